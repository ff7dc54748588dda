package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

func TestCreateRunAnswersInAgentOSShape(t *testing.T) {
	t.Parallel()
	refusedOutput := completedRun()
	refusedOutput.Status, refusedOutput.Content = host.RunError, host.TextContent("not allowed")
	refusedOutput.Messages = refusedOutput.Messages[:2]
	refusedOutput.Failure = &host.Failure{Type: host.FailureOutputCheck, ID: "output_not_allowed", Refused: true}
	failed := completedRun()
	failed.Status, failed.Content, failed.Messages = host.RunError, host.TextContent("model exploded"), nil
	failed.Metrics = host.Metrics{}
	failed.Failure = &host.Failure{Type: "model_provider_error", Message: "model exploded"}
	for name, run := range map[string]host.Run{
		"run.json": completedRun(), "input-refused.json": refusedRun(),
		"output-refused.json": refusedOutput, "model-failed.json": failed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{engine: fakeEngine{script: playing(run)}}
			w := f.run(t, "message=hi&stream=false")
			if w.Code != http.StatusOK {
				t.Errorf("status %d, want 200", w.Code)
			}
			golden(t, name, w.Body.String())
		})
	}
}

func TestCreateRunAsksTheEngine(t *testing.T) {
	t.Parallel()
	fields := [][2]string{
		{"message", "hi; there & all"},
		{"stream", "no"},
		{"run_id", "r"}, {"session_id", "s"}, {"user_id", "u"},
		{"session_state", `{"a": 1}`}, {"dependencies", `{"d":{}}`}, {"metadata", `{"m":"x"}`},
		{"debug_mode", "true"}, {"background", "false"},
		{"output_schema", `{"title": "Movie"}`}, {"use_json_schema", "true"},
		{"tone", "Kind"}, {"dry", "TRUE"}, {"wet", "false"}, {"limit", "None"}, {"count", "7"},
	}
	want := host.RunRequest{
		Component: host.Component{Kind: host.KindAgent, ID: "plain-agent", Name: "Plain"},
		RunID:     "r", SessionID: "s", UserID: "u", Input: host.TextContent("hi; there & all"),
		SessionState: json.RawMessage(`{"a": 1}`), Dependencies: json.RawMessage(`{"d":{}}`),
		Metadata:     json.RawMessage(`{"m":"x"}`),
		OutputSchema: json.RawMessage(`{"title": "Movie"}`), PlainObject: true,
		Arguments: json.RawMessage(`{"count":"7","dry":true,"limit":null,"tone":"Kind","wet":false}`),
	}
	for name, encode := range map[string]func(*testing.T, [][2]string) (string, string){
		"urlencoded": encodeURL, "multipart": encodeMultipart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			contentType, body := encode(t, fields)
			w := f.ask(t, http.MethodPost, "/agents/plain-agent/runs/", contentType, body)
			if w.Code != http.StatusOK {
				t.Fatalf("answer %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(want, f.engine.request(t)); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// encodeURL escapes only what it must, as people at a shell do.
func encodeURL(_ *testing.T, fields [][2]string) (contentType, body string) {
	var pairs []string
	for _, f := range fields {
		pairs = append(pairs, f[0]+"="+strings.NewReplacer("&", "%26", " ", "+").Replace(f[1]))
	}
	return urlEncoded + "; charset=utf-8", strings.Join(pairs, "&")
}

func encodeMultipart(t *testing.T, fields [][2]string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

func TestCreateRunWithoutOptionalFields(t *testing.T) {
	t.Parallel()
	f := fixture{}
	if w := f.run(t, "message=&stream=false&session_id=&session_state=&output_schema=&use_json_schema=&background="); w.Code != http.StatusOK {
		t.Fatalf("answer %d %s", w.Code, w.Body)
	}
	want := host.RunRequest{
		Component: host.Component{Kind: host.KindAgent, ID: "plain-agent", Name: "Plain"},
		Input:     host.TextContent(""),
	}
	if diff := cmp.Diff(want, f.engine.request(t)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestCreateRunReportsWhyItDidNotBegin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		status int
		body   string
	}{
		"conflict": {
			host.Errorf(host.CodeConflict, "run r exists"), 409,
			`{"detail":"run r exists","error_id":"conflict","error_type":"request_error"}`,
		},
		"field": {
			host.Invalid("session_state", "does not fit"), 422,
			`{"detail":[{"type":"value_error","loc":["body","session_state"],"msg":"does not fit","input":null}],` +
				`"error_id":"invalid","error_type":"request_error"}`,
		},
		"fault": {
			errors.New("disk is on fire"), 500,
			`{"detail":"Internal Server Error","error_id":"internal","error_type":"host_error"}`,
		},
	} {
		for _, stream := range []string{"true", "false"} {
			t.Run(name+" stream="+stream, func(t *testing.T) {
				t.Parallel()
				f := fixture{engine: fakeEngine{script: func(context.Context, host.RunRequest) (host.Run, error) {
					return host.Run{}, tc.err
				}}}
				w := f.run(t, "message=hi&stream="+stream)
				wantAnswer(t, w, tc.status, tc.body)
				if got := w.Header().Get("Content-Type"); got != "application/json" {
					t.Errorf("Content-Type %q", got)
				}
			})
		}
	}
}

func TestShowRun(t *testing.T) {
	t.Parallel()
	f := fixture{runs: fakeRuns{runs: map[string]host.Run{"run-1": completedRun()}}}
	w := f.get(t, "/agents/plain-agent/runs/run-1?session_id=s-1")
	if w.Code != http.StatusOK {
		t.Errorf("status %d, want 200", w.Code)
	}
	golden(t, "run-read.json", w.Body.String())
}

// TestShowRunWhileItRuns: the input is shown once it is permitted.
func TestShowRunWhileItRuns(t *testing.T) {
	t.Parallel()
	permitted := runningRun()
	permitted.Input = host.TextContent("hi")
	const input = `,"input":{"input_content":"hi"}`
	for name, tc := range map[string]struct {
		run           host.Run
		status, input string
	}{
		"pending":    {pendingRun(), "PENDING", ""},
		"running":    {runningRun(), "RUNNING", ""},
		"permitted":  {permitted, "RUNNING", input},
		"foreground": {foreground(permitted), "RUNNING", input},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{runs: fakeRuns{runs: map[string]host.Run{"run-1": tc.run}}}
			wantAnswer(t, f.get(t, "/agents/plain-agent/runs/run-1?session_id=s-1"), http.StatusOK,
				`{"run_id":"run-1","agent_id":"plain-agent","agent_name":"Plain","session_id":"s-1","content_type":"str",`+
					`"model":"fake-1","model_provider":"Fake","created_at":1795167000,"status":"`+tc.status+
					`","metrics":{},"events":[]`+tc.input+`}`)
		})
	}
}

func TestShowRunFindsOnlyWhatWasNamed(t *testing.T) {
	t.Parallel()
	run := completedRun()
	run.ID, run.RootID = "a/b c", "a/b c"
	runs := fakeRuns{runs: map[string]host.Run{"run-1": completedRun(), "a/b c": run}}
	for name, tc := range map[string]struct {
		target string
		status int
		detail string
	}{
		"another session": {"/agents/plain-agent/runs/run-1?session_id=s-2", 404, "Run not found"},
		"another agent":   {"/agents/other%2Fagent/runs/run-1?session_id=s-1", 404, "Run not found"},
		"no such run":     {"/agents/plain-agent/runs/nope?session_id=s-1", 404, "Run not found"},
		"no such agent":   {"/agents/nope/runs/run-1?session_id=s-1", 404, "Agent not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{runs: runs}
			wantDetail(t, f.get(t, tc.target), tc.status, tc.detail)
		})
	}
	t.Run("inside others", func(t *testing.T) {
		t.Parallel()
		inside := func(id, parent string) host.Run {
			run := completedRun()
			run.ID, run.ParentID, run.RootID = id, parent, "root"
			return run
		}
		refused := refusedRun()
		refused.ID, refused.RootID, refused.Sealed = "refused", "refused", true
		lost := refusedRun()
		lost.ID, lost.RootID, lost.Failure = "lost", "lost", &host.Failure{Type: host.FailureHostRestarted}
		f := fixture{runs: fakeRuns{runs: map[string]host.Run{
			"lost": lost, "of lost": inside("of lost", "lost"),
			"run-1": completedRun(), "refused": refused, "child": inside("child", "run-1"), "grandchild": inside("grandchild", "child"),
			"of refused": inside("of refused", "refused"), "of running": inside("of running", "nope"),
		}}}
		for id, status := range map[string]int{
			"child": 200, "grandchild": 200, "of%20refused": 404, "of%20running": 404, "of%20lost": 404,
		} {
			if w := f.get(t, "/agents/plain-agent/runs/"+id+"?session_id=s-1"); w.Code != status {
				t.Errorf("%s: answer %d, want %d", id, w.Code, status)
			}
		}
	})
	t.Run("escaped id", func(t *testing.T) {
		t.Parallel()
		f := fixture{runs: runs}
		if w := f.get(t, "/agents/plain-agent/runs/a%2Fb%20c?session_id=s-1"); w.Code != http.StatusOK {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
	})
	t.Run("no session_id", func(t *testing.T) {
		t.Parallel()
		f := fixture{runs: runs}
		wantAnswer(t, f.get(t, "/agents/plain-agent/runs/run-1"), 422,
			`{"detail":[{"type":"missing","loc":["query","session_id"],"msg":"Field required","input":null}],`+
				`"error_id":"invalid","error_type":"request_error"}`)
	})
	t.Run("store is down", func(t *testing.T) {
		t.Parallel()
		f := fixture{runs: fakeRuns{err: errors.New("no disk")}}
		wantDetail(t, f.get(t, "/agents/plain-agent/runs/run-1?session_id=s-1"), 500, internalDetail)
	})
}
