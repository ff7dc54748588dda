package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestRestartKeepsWhatWasSetUp: plugins, grants and bindings are there again.
func TestRestartKeepsWhatWasSetUp(t *testing.T) {
	t.Parallel()
	service := newReceiver(t, nil)
	s := newSite(t, config{})
	p := s.start(t)
	p.installWith(t, newPlugin(t, "courier", permitHTTP(service.url()), visit("deliver", service.url())), "http")
	p.install(t, newPlugin(t, "editor", "", hook{name: "edit", point: "input", does: guesttest.Answers(rewrite("edited"))}))
	p.bind(t, "agent", binding{"plugin": "courier"})
	p.putHooks(t, "/hooks", binding{"plugin": "editor"}).want(t, 200)
	before := setUp(t, p)
	done := p.run(t, "agent", form{"message": "hello", "session_id": "s"}).must(t, "edited")
	p.settled(t, done.RunID)
	p.stop(t)

	p = s.start(t)
	if diff := cmp.Diff(before, setUp(t, p)); diff != "" {
		t.Errorf("after the restart (-before +after):\n%s", diff)
	}
	again := p.run(t, "agent", form{"message": "hello", "session_id": "s"}).must(t, "edited")
	want := []string{"editor.edit blocking completed transformed", "courier.deliver background completed allowed"}
	if diff := cmp.Diff(want, summaries(p.settled(t, again.RunID))); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
	p.read(t, done).must(t, "edited")
	if n := len(service.requests()); n != 2 {
		t.Errorf("%d deliveries, want 2", n)
	}
}

// setUp is what the routes say about plugins and bindings.
func setUp(t testing.TB, p *process) map[string]any {
	t.Helper()
	said := map[string]any{}
	for _, path := range []string{"/plugins", "/plugins/courier", "/plugins/editor/1.0.0", "/agents/agent/hooks", "/hooks"} {
		var v any
		if err := json.Unmarshal(p.get(t, path).want(t, 200).body, &v); err != nil {
			t.Fatal(err)
		}
		said[path] = v
	}
	return said
}

// TestSoftStopDrains: a host that is told to stop says that it is not ready, takes
// no new requests, and finishes the run and the background call it has begun.
func TestSoftStopDrains(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	model := openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "Bye.", Hold: hold}))
	service := newReceiver(t, nil)
	s := newSite(t, config{model: openai(model.BaseURL())})
	p := s.start(t)
	p.installWith(t, newPlugin(t, "courier", permitHTTP(service.url()),
		hook{name: "deliver", point: "output", fields: []string{"mode: background"}, does: guesttest.Posts(service.url())}), "http")
	p.bind(t, "agent", binding{"plugin": "courier"})
	release := service.block(t)

	answer := p.begin(t, "agent", form{"message": "hello", "session_id": "s"})
	eventually(t, "the model is asked", func() bool { return model.Calls() == 1 })
	p.terminate(t)
	eventually(t, "the host is not ready", func() bool { return p.get(t, "/-/ready").status == 503 })
	p.get(t, "/-/ready").says(t, "The host is stopping")
	p.get(t, "/agents").want(t, 503)
	p.get(t, "/health").want(t, 200)
	close(hold)
	done := answered(t, answer).must(t, "Bye.")
	service.await(t, 1)
	eventually(t, "the host takes no more requests", func() bool { return !takesRequests(p) })
	if p.hasExited() {
		t.Fatal("the host has stopped while a background call runs")
	}
	release()
	p.wait(t)

	p = s.start(t)
	call := p.hooks(t, done.RunID)[0]
	if call.Status != "completed" || call.Attempt != 1 || len(service.requests()) != 1 {
		t.Errorf("%s after attempt %d and %d deliveries, want one of each", call.summary(), call.Attempt, len(service.requests()))
	}
}

// takesRequests reports whether a request on a new connection is served.
func takesRequests(p *process) bool {
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := fresh.Get(p.base + "/agents")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode != http.StatusServiceUnavailable
}

// TestAfterASuddenDeath: the next process ends the runs its
// predecessor was in, and makes the background calls it had not finished.
func TestAfterASuddenDeath(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t, func(_ int, req openaitest.Request) openaitest.Answer {
		answer := openaitest.Text("Done.")
		if req.Messages[len(req.Messages)-1].Content == "wait" {
			answer.Hold = make(chan struct{})
		}
		return answer
	})
	service := newReceiver(t, nil)
	s := newSite(t, config{model: openai(model.BaseURL())})
	p := s.start(t)
	p.installWith(t, newPlugin(t, "courier", permitHTTP(service.url()),
		hook{name: "deliver", point: "output", fields: []string{"mode: background"}, does: guesttest.Posts(service.url())}), "http")
	p.bind(t, "agent", binding{"plugin": "courier"})
	release := service.block(t)

	done := p.run(t, "agent", form{"message": "go", "session_id": "s"}).must(t, "Done.")
	service.await(t, 1)
	running := run{AgentID: "agent", RunID: "running", SessionID: "w"}
	waiting := run{AgentID: "agent", RunID: "waiting", SessionID: "w"}
	p.begin(t, "agent", form{"message": "wait", "session_id": "w", "run_id": "running"})
	p.awaitStatus(t, running, "RUNNING")
	p.begin(t, "agent", form{"message": "wait", "session_id": "w", "run_id": "waiting"})
	p.awaitStatus(t, waiting, "PENDING")
	p.kill(t)
	release()

	p = s.start(t)
	for _, r := range []run{running, waiting} {
		if got := p.read(t, r); got.Status != "ERROR" || got.ErrorType != "host_restarted" || got.Content == "" {
			t.Errorf("the run %s is %s with %s %q, want ERROR with host_restarted", r.RunID, got.Status, got.ErrorType, got.Content)
		}
	}
	call := p.settled(t, done.RunID)[0]
	if call.Status != "completed" || call.Attempt != 2 {
		t.Errorf("%s after attempt %d, want it completed by the second", call.summary(), call.Attempt)
	}
	got := service.await(t, 2)
	first, second := readContext(t, got[0].body), readContext(t, got[1].body)
	if a, b := first.Extensions.Snaphook.Delivery, second.Extensions.Snaphook.Delivery; a.IdempotencyKey != b.IdempotencyKey || b.Attempt != 2 {
		t.Errorf("the deliveries are %+v and %+v, want two attempts of one", a, b)
	}
	p.run(t, "agent", form{"message": "go", "session_id": "w"}).must(t, "Done.")
}

// TestOneProcessPerStore: a second host does not open the same database.
func TestOneProcessPerStore(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{})
	p := s.start(t)
	said := reply{body: []byte(s.refuses(t, "serve", "--config", "host.yaml", "--listen", "127.0.0.1:0"))}
	said.says(t, "snaphook.db")
	p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
}
