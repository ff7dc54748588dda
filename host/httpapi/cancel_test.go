package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// TestCancel: the answer is always the same; who is meant is not.
func TestCancel(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		target string
		want   []string
	}{
		"a run":            {"/agents/plain-agent/runs/run-1/cancel", []string{"run-1"}},
		"in its session":   {"/agents/plain-agent/runs/run-1/cancel?session_id=s-1", []string{"run-1"}},
		"session is empty": {"/agents/plain-agent/runs/run-1/cancel?session_id=", []string{"run-1"}},
		"another session":  {"/agents/plain-agent/runs/run-1/cancel?session_id=s-2", nil},
		"another agent":    {"/agents/other%2Fagent/runs/run-1/cancel", nil},
		"not a run yet":    {"/agents/plain-agent/runs/a%2Fb/cancel?session_id=s-2", []string{"a/b"}},
		"never a run":      {"/agents/plain-agent/runs/" + strings.Repeat("x", maxID+1) + "/cancel", nil},
		"not an id":        {"/agents/plain-agent/runs/" + url.PathEscape("a\nb") + "/cancel", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := resumed(runningRun(), 0)
			wantAnswer(t, f.ask(t, http.MethodPost, tc.target, "", ""), http.StatusOK, "{}")
			if diff := cmp.Diff(tc.want, f.engine.cancelled); diff != "" {
				t.Errorf("cancelled (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCancelOfAnUnknownAgent(t *testing.T) {
	t.Parallel()
	f := resumed(runningRun(), 0)
	wantDetail(t, f.ask(t, http.MethodPost, "/agents/nope/runs/run-1/cancel", "", ""), 404, "Agent not found")
	wantDetail(t, f.ask(t, http.MethodPost, "/teams/nope/runs/run-1/cancel", "", ""), 404, "Team not found")
}

// TestCancelThatIsNotKept: nobody is promised what was not stored.
func TestCancelThatIsNotKept(t *testing.T) {
	t.Parallel()
	broken := errors.New("no disk")
	for name, f := range map[string]*fixture{
		"run":    {runs: fakeRuns{err: broken}},
		"cancel": {engine: fakeEngine{cancelErr: broken}, runs: fakeRuns{runs: map[string]host.Run{"run-1": runningRun()}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := f.ask(t, http.MethodPost, "/agents/plain-agent/runs/run-1/cancel", "", "")
			wantDetail(t, w, http.StatusInternalServerError, internalDetail)
		})
	}
}
