package httpapi

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// resumed is an API over one run whose stream has so many events so far.
func resumed(run host.Run, next int) *fixture {
	return &fixture{
		engine: fakeEngine{stream: completedEvents()},
		runs:   fakeRuns{runs: map[string]host.Run{run.ID: run}, next: next},
	}
}

func (f *fixture) resume(t *testing.T, runID, form string) *httptest.ResponseRecorder {
	t.Helper()
	return f.ask(t, http.MethodPost, "/agents/plain-agent/runs/"+url.PathEscape(runID)+"/resume", urlEncoded, form)
}

// runningRun is a background run in the hands of a worker.
func runningRun() host.Run {
	run := pendingRun()
	run.Status = host.RunRunning
	return run
}

// doneRun is a background run that completed.
func doneRun() host.Run {
	run := completedRun()
	run.Background = true
	return run
}

func TestResumeInAgentOSShape(t *testing.T) {
	t.Parallel()
	all := len(completedEvents())
	for name, tc := range map[string]struct {
		run  host.Run
		next int
		form string
	}{
		"resume.sse":           {runningRun(), 6, "last_event_index=3&session_id=s-1"},
		"resume-replay.sse":    {doneRun(), all, "last_event_index=5&session_id=s-1"},
		"resume-unknown.sse":   {host.Run{ID: "run-2"}, 0, ""},
		"resume-no-events.sse": {completedRun(), 0, "last_event_index=3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := resumed(tc.run, tc.next)
			w := f.resume(t, "run-1", tc.form)
			golden(t, name, w.Body.String())
			if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != "text/event-stream; charset=utf-8" {
				t.Errorf("status %d, Content-Type %q", w.Code, got)
			}
		})
	}
}

func TestResumeFrames(t *testing.T) {
	t.Parallel()
	all := len(completedEvents())
	tail := []string{"RunContent 7", "RunContent 8", "RunContentCompleted 9", "RunCompleted 10"}
	cancelled := doneRun()
	cancelled.Status = host.RunCancelled
	for name, tc := range map[string]struct {
		run  host.Run
		next int
		form string
		want []string
	}{
		"nothing missed":       {runningRun(), 7, "last_event_index=6", append([]string{"subscribed"}, tail...)},
		"all but one missed":   {runningRun(), 8, "last_event_index=6", append([]string{"catch_up", tail[0], "subscribed"}, tail[1:]...)},
		"no event yet":         {pendingRun(), 0, "", append([]string{"subscribed"}, frameNames(t, whole(t))...)},
		"from the start":       {cancelled, all, "last_event_index=-1", append([]string{"replay"}, frameNames(t, whole(t))...)},
		"empty field":          {doneRun(), all, "last_event_index=&session_id=", append([]string{"replay"}, frameNames(t, whole(t))...)},
		"nothing to replay":    {doneRun(), all, "last_event_index=10", []string{"replay"}},
		"fields that say none": {doneRun(), all, "last_event_index=9&color=red", []string{"replay", tail[3]}},
		"foreground, going on": {foreground(runningRun()), 0, "", []string{"error"}},
		"another session":      {doneRun(), all, "session_id=s-2", []string{"error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := frameNames(t, resumed(tc.run, tc.next).resume(t, "run-1", tc.form).Body.String())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("frames (-want +got):\n%s", diff)
			}
		})
	}
}

func foreground(run host.Run) host.Run {
	run.Background = false
	return run
}

// whole is a whole background stream.
func whole(t *testing.T) string {
	t.Helper()
	f := fixture{engine: fakeEngine{started: pendingRun(), stream: completedEvents()}}
	return f.run(t, "message=hi&background=true").Body.String()
}

// TestResumeOfAnotherAgent: a run is found only through its own component.
func TestResumeOfAnotherAgent(t *testing.T) {
	t.Parallel()
	f := resumed(doneRun(), 11)
	w := f.ask(t, http.MethodPost, "/agents/other%2Fagent/runs/run-1/resume", "", "")
	wantAnswer(t, w, http.StatusOK,
		"event: error\ndata: {\"event\": \"error\", \"error\": \"Run run-1 not found in buffer or database\"}\n\n")
	wantDetail(t, f.ask(t, http.MethodPost, "/agents/nope/runs/run-1/resume", "", ""), 404, "Agent not found")
}

func TestResumeTakesMultipart(t *testing.T) {
	t.Parallel()
	contentType, body := encodeMultipart(t, [][2]string{{"last_event_index", "9"}, {"session_id", "s-1"}})
	w := resumed(doneRun(), 11).ask(t, http.MethodPost, "/agents/plain-agent/runs/run-1/resume", contentType, body)
	if diff := cmp.Diff([]string{"replay", "RunCompleted 10"}, frameNames(t, w.Body.String())); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

func TestResumeRefusesBadInput(t *testing.T) {
	t.Parallel()
	const index = "last_event_index"
	for name, tc := range map[string]struct {
		run  host.Run
		form string
		want string
	}{
		"not a number": {doneRun(), "last_event_index=1.5", oneField("int_parsing", index,
			"Input should be a valid integer, unable to parse string as an integer", `"1.5"`)},
		"no number at all": {doneRun(), "last_event_index=99999999999999999999", oneField("int_parsing", index,
			"Input should be a valid integer, unable to parse string as an integer", `"99999999999999999999"`)},
		"below -1": {doneRun(), "last_event_index=-2", oneField("greater_than_equal", index,
			"Input should be greater than or equal to -1", `"-2"`)},
		"past the end": {doneRun(), "last_event_index=11", oneField("less_than", index,
			"Input should be less than 11, the number of the run's events", "null")},
		"past the end so far": {runningRun(), "last_event_index=9223372036854775807", oneField("less_than", index,
			"Input should be less than 11, the number of the run's events", "null")},
		"session": {doneRun(), "session_id=%00", oneField("string_control", "session_id",
			"Input should have no control characters", "null")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := resumed(tc.run, 11)
			wantAnswer(t, f.resume(t, "run-1", tc.form), http.StatusUnprocessableEntity, tc.want)
			if len(f.engine.followed) != 0 {
				t.Errorf("followed %v", f.engine.followed)
			}
		})
	}
}

func TestResumeWhenTheStoreIsDown(t *testing.T) {
	t.Parallel()
	f := fixture{runs: fakeRuns{err: errors.New("no disk")}}
	wantDetail(t, f.resume(t, "run-1", ""), http.StatusInternalServerError, internalDetail)
}

func FuzzResume(f *testing.F) {
	f.Add(urlEncoded, []byte("last_event_index=5&session_id=s"))
	f.Add(urlEncoded, []byte("last_event_index=-0x1"))
	f.Add(multiPart+"; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"last_event_index\"\r\n\r\n3\r\n--x--\r\n"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/agents/plain-agent/runs/run-1/resume", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		fields, err := readForm(httptest.NewRecorder(), r)
		var asked resumeForm
		if err == nil {
			asked, err = decodeResumeForm(fields)
		}
		if err != nil {
			if status, _ := describe(err); status >= http.StatusInternalServerError {
				t.Fatalf("bad input is the host's fault: %v", err)
			}
			return
		}
		if asked.last < -1 || len(asked.session) > maxID || strings.ContainsRune(asked.session, 0) {
			t.Errorf("asked for %+v", asked)
		}
	})
}
