package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// pendingRun is a background run as it is stored first.
func pendingRun() host.Run {
	run := completedRun()
	run.Status, run.Background = host.RunPending, true
	run.Input, run.Content, run.ContentType, run.Messages = nil, nil, "", nil
	run.Metrics, run.Metadata, run.UserID = host.Metrics{}, nil, ""
	return run
}

func TestBackgroundRunIsAccepted(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{started: pendingRun()}}
	w := f.run(t, "message=hi&background=true&stream=false&session_id=s-1")
	wantAnswer(t, w, http.StatusAccepted, `{"run_id":"run-1","session_id":"s-1","status":"PENDING"}`)
	want := host.RunRequest{
		Component: host.Component{Kind: host.KindAgent, ID: "plain-agent", Name: "Plain"},
		SessionID: "s-1", Input: host.TextContent("hi"),
	}
	if diff := cmp.Diff(want, f.engine.request(t)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// TestBackgroundRunOfAKeyThatWasUsed: the answer is the first run, as it is.
func TestBackgroundRunOfAKeyThatWasUsed(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{started: completedRun()}}
	w := f.run(t, "message=hi&background=true&stream=false")
	wantAnswer(t, w, http.StatusAccepted, `{"run_id":"run-1","session_id":"s-1","status":"COMPLETED"}`)
}

func TestBackgroundRunThatCannotBegin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err        error
		status     int
		retryAfter string
		body       string
	}{
		"queue is full": {
			host.Errorf(host.CodeBusy, "1000 runs wait already"), 429, "1",
			`{"detail":"1000 runs wait already","error_id":"busy","error_type":"request_error"}`,
		},
		"key of another component": {
			host.Errorf(host.CodeConflict, "the key belongs to another component"), 409, "",
			`{"detail":"the key belongs to another component","error_id":"conflict","error_type":"request_error"}`,
		},
		"schema": {
			host.Invalid("output_schema", "type: must be a string"), 422, "",
			oneField("value_error", "output_schema", "type: must be a string", "null"),
		},
		"message too large": {
			&host.Error{Code: host.CodeTooLarge, Field: "message", Message: "is larger than 1MiB"}, 413, "",
			`{"detail":"message: is larger than 1MiB","error_id":"too_large","error_type":"request_error"}`,
		},
	} {
		for _, stream := range []string{"true", "false"} {
			t.Run(name+" stream="+stream, func(t *testing.T) {
				t.Parallel()
				f := fixture{engine: fakeEngine{startErr: tc.err}}
				w := f.run(t, "message=hi&background=true&stream="+stream)
				wantAnswer(t, w, tc.status, tc.body)
				if got := w.Header().Get("Retry-After"); got != tc.retryAfter {
					t.Errorf("Retry-After %q, want %q", got, tc.retryAfter)
				}
			})
		}
	}
}

// TestBackgroundStreamInAgentOSShape: every event has its index, as its last
// member.
func TestBackgroundStreamInAgentOSShape(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{started: pendingRun(), stream: completedEvents()}}
	golden(t, "background.sse", f.run(t, "message=hi&background=true&stream=true").Body.String())
	if req := f.engine.request(t); !req.Deltas {
		t.Error("the run is not asked to keep the pieces of its answer")
	}
	if diff := cmp.Diff([]string{"run-1 from 0"}, f.engine.followed); diff != "" {
		t.Errorf("followed (-want +got):\n%s", diff)
	}
}

func TestBackgroundStreamOfContentAlone(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{started: pendingRun(), stream: completedEvents()}}
	body := f.run(t, "message=hi&background=true&stream_events=false").Body.String()
	if diff := cmp.Diff([]string{"RunContent 7", "RunContent 8"}, frameNames(t, body)); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

// frameNames are the frames of a stream: their names and, where they have one,
// their indexes.
func frameNames(t *testing.T, body string) []string {
	t.Helper()
	var names []string
	for frame := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(frame, "\ndata: ")
		var members struct {
			Event string
			Index json.Number `json:"event_index"`
		}
		if err := json.Unmarshal([]byte(data), &members); err != nil || !ok || "event: "+members.Event != name {
			t.Fatalf("frame %q: %v", frame, err)
		}
		names = append(names, strings.TrimSpace(members.Event+" "+members.Index.String()))
	}
	return names
}

// TestBackgroundStreamWithoutEvents: the run of an earlier request may have no
// stream any more, or never had one; the client learns how it ended.
func TestBackgroundStreamWithoutEvents(t *testing.T) {
	t.Parallel()
	ended := func(status host.RunStatus) host.Run {
		run := refusedRun()
		run.Status = status
		return run
	}
	for name, tc := range map[string]struct {
		run  host.Run
		want []string
	}{
		"completed": {completedRun(), []string{"RunStarted 0", "RunContent 1", "RunCompleted 2"}},
		"refused":   {refusedRun(), []string{"RunStarted 0", "RunError 1"}},
		"cancelled": {ended(host.RunCancelled), []string{"RunStarted 0", "RunCancelled 1", "RunCompleted 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{
				engine: fakeEngine{started: tc.run}, runs: fakeRuns{runs: map[string]host.Run{tc.run.ID: tc.run}},
			}
			body := f.run(t, "message=hi&background=true").Body.String()
			if diff := cmp.Diff(tc.want, frameNames(t, body)); diff != "" {
				t.Errorf("frames (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBackgroundStreamThatBreaksOff: the last frame says why; no event is made up,
// for the run goes on.
func TestBackgroundStreamThatBreaksOff(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{
		started: pendingRun(), stream: completedEvents()[:1], followErr: errors.New("disk is on fire"),
	}}
	body := f.run(t, "message=hi&background=true").Body.String()
	if want := "event: error\ndata: {\"event\": \"error\", \"error\": \"Internal Server Error\"}\n\n"; !strings.HasSuffix(body, want) {
		t.Errorf("stream %q, want %q at its end", body, want)
	}
	if got := strings.Count(f.log.String(), "disk is on fire"); got != 1 {
		t.Errorf("the cause is logged %d times, want once:\n%s", got, f.log.String())
	}
}

func TestBackgroundStreamWhoseClientLeaves(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{started: pendingRun(), stream: completedEvents()}}
	r := httptest.NewRequest(http.MethodPost, "/agents/plain-agent/runs", strings.NewReader("message=hi&background=true"))
	r.Host = "127.0.0.1"
	r.Header.Set("Content-Type", urlEncoded)
	f.handler(t).ServeHTTP(gone{httptest.NewRecorder()}, r)
	if len(f.engine.cancelled) != 0 || f.log.String() != "" {
		t.Errorf("cancelled %v, log %s", f.engine.cancelled, f.log.String())
	}
}

// TestStructuredContent: an object is an object wherever it is shown, under the
// name of its schema.
func TestStructuredContent(t *testing.T) {
	t.Parallel()
	run := completedRun()
	run.Content, run.ContentType = json.RawMessage(`{"title":"T","score":3}`), "Movie"
	events := []host.Event{{Kind: host.EventRunContent, Content: run.Content, ContentType: run.ContentType}, {Kind: host.EventRunCompleted}}
	streamed := fixture{engine: fakeEngine{script: playing(run, events...)}}
	f := fixture{engine: fakeEngine{script: playing(run)}, runs: fakeRuns{runs: map[string]host.Run{run.ID: run}}}
	const content, kind = `"content":{"title":"T","score":3},`, `"content_type":"Movie"`
	for name, body := range map[string]string{
		"stream":  streamed.run(t, "message=hi").Body.String(),
		"answer":  f.run(t, "message=hi&stream=false").Body.String(),
		"polling": f.get(t, "/agents/plain-agent/runs/run-1?session_id=s-1").Body.String(),
	} {
		want := 1
		if name == "stream" {
			want = len(events)
		}
		if strings.Count(body, content) != want || strings.Count(body, kind) != want {
			t.Errorf("%s: %s", name, body)
		}
	}
}

// TestRunThatGoesOnElsewhere: the frame after a takeover has nothing of its own.
func TestRunThatGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{started: pendingRun(), stream: []host.Event{{Kind: host.EventRunContinued}}}}
	want := "event: RunContinued\n" + `data: {"created_at":1795167000,"event":"RunContinued","agent_id":"plain-agent",` +
		`"agent_name":"Plain","run_id":"run-1","session_id":"s-1","nested_depth":0,"event_index":0}` + "\n\n"
	wantAnswer(t, f.run(t, "message=hi&background=true"), http.StatusOK, want)
}
