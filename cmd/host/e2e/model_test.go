package e2e

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// TestBrokenModel: a model server that is down, fails or breaks off ends the run
// in ERROR. Background input hooks have seen the input, output hooks nothing.
func TestBrokenModel(t *testing.T) {
	t.Parallel()
	down := openaitest.New(t, openaitest.Always(openaitest.Answer{}))
	down.Close()
	tests := map[string]*openaitest.Server{
		"down":      down,
		"500":       openaitest.New(t, openaitest.Always(openaitest.Failure(500, "", "the model exploded"))),
		"wrong key": openaitest.New(t, openaitest.Always(openaitest.Failure(401, "invalid_api_key", "wrong key"))),
		"cut off":   openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "half an answer", Cut: true})),
	}
	for name, model := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newSite(t, config{model: openai(model.BaseURL())}).start(t)
			p.install(t, firstParty(t, "request-log"))
			p.bind(t, "agent", binding{"plugin": "request-log", "mode": "background"})

			failed := p.run(t, "agent", form{"message": "hello", "session_id": "s"})
			if failed.Status != "ERROR" || failed.Content == "" || failed.ErrorType == "" {
				t.Errorf("the run is %s with %s %q", failed.Status, failed.ErrorType, failed.Content)
			}
			want := []string{
				"request-log.request background completed allowed",
				"request-log.response background skipped run_not_completed",
			}
			if diff := cmp.Diff(want, summaries(p.settled(t, failed.RunID))); diff != "" {
				t.Errorf("hook calls (-want +got):\n%s", diff)
			}
			if got := p.read(t, failed); got.Status != "ERROR" || got.Input.Content != "hello" {
				t.Errorf("the run read back is %s with the input %q", got.Status, got.Input.Content)
			}
			events := p.stream(t, "agent", form{"message": "hello", "session_id": "s"})
			if last := events[len(events)-1]; last.Name != "RunError" || last.text() == "" || last.ErrorType == "" {
				t.Errorf("the stream ends with %s %s %q", last.Name, last.ErrorType, last.text())
			}
		})
	}
}

// TestClientThatLeaves: the model is cancelled with the request; the run ends
// CANCELLED, and what was permitted is followed up.
func TestClientThatLeaves(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t, openaitest.Always(openaitest.Answer{
		Deltas: []string{"One ", "two."}, Hold: make(chan struct{}),
	}))
	p := newSite(t, config{model: openai(model.BaseURL())}).start(t)
	p.install(t, firstParty(t, "request-log"))
	p.bind(t, "agent", binding{"plugin": "request-log", "mode": "background"})

	for name, id := range map[string]string{"true": "streamed", "false": "plain"} {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		f := form{"message": "count", "session_id": id, "run_id": id}
		left := make(chan struct{})
		calls := model.Calls()
		contentType, body := f.with("stream", name).urlencoded()
		go func() {
			defer close(left)
			_, _ = p.send(ctx, "POST", "/agents/agent/runs", contentType, body)
		}()
		eventually(t, "the model is asked", func() bool { return model.Calls() > calls })
		leave()
		receive(t, "the client to leave", left)
		r := p.awaitStatus(t, run{AgentID: "agent", RunID: id, SessionID: id}, "CANCELLED")
		want := []string{
			"request-log.request background completed allowed",
			"request-log.response background skipped cancelled",
		}
		if diff := cmp.Diff(want, summaries(p.settled(t, r.RunID))); diff != "" {
			t.Errorf("%s: hook calls (-want +got):\n%s", id, diff)
		}
	}
}
