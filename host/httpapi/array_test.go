package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

// failingPages fails after the first page of runs.
type failingPages struct{ sessionsPort }

func (f failingPages) SessionRuns(ctx context.Context, filter host.RunFilter) ([]host.Run, int, error) {
	if filter.AfterTurn > 0 {
		return nil, 0, errors.New("the disk is gone")
	}
	return f.sessionsPort.SessionRuns(ctx, filter)
}

// TestAnswerThatCannotBeEnded: nobody takes half a conversation for the whole.
func TestAnswerThatCannotBeEnded(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	for n := range runsAtOnce + 1 {
		c.end(t, aRun(n, "s"))
	}
	for _, target := range []string{"/sessions/s", "/sessions/s/runs"} {
		c.config.Sessions = failingPages{sessionsPort: c.store}
		c.log.Reset()
		if cause := panicOf(func() { c.get(t, target) }); cause != http.ErrAbortHandler {
			t.Errorf("%s: panic %v, want http.ErrAbortHandler", target, cause)
		}
		if got := strings.Count(c.log.String(), "the disk is gone"); got != 1 {
			t.Errorf("%s: logged %d times: %s", target, got, &c.log)
		}
	}
}

// TestClientThatLeaves: it is nobody's fault, so nothing is logged, but nothing
// more is read for it either.
func TestClientThatLeaves(t *testing.T) {
	t.Parallel()
	items := array{w: gone{httptest.NewRecorder()}}
	if err := items.add("one"); err == nil || !items.gone {
		t.Errorf("error %v, gone %t", err, items.gone)
	}
}

// gone takes nothing any more.
type gone struct{ http.ResponseWriter }

func (gone) Write([]byte) (int, error) { return 0, errors.New("the client left") }

func panicOf(f func()) (cause any) {
	defer func() { cause = recover() }()
	f()
	return nil
}
