package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// watch is a plugin that tells a service of a run: before the model, which waits
// for it, and after the run.
func watch(t testing.TB, service *receiver) plugin {
	t.Helper()
	return newPlugin(t, "watch", permitHTTP(service.url()),
		hook{name: "before", point: "input", fields: []string{"mode: blocking", "timeout: 5s"}, does: guesttest.Posts(service.url() + "/before")},
		hook{name: "after", point: "output", fields: []string{"mode: background"}, does: guesttest.Posts(service.url() + "/after")})
}

// refusing is a guardrail that refuses every input.
func refusing(t testing.TB) plugin {
	t.Helper()
	return newPlugin(t, "guard", "", hook{
		name: "no", point: "input", fields: []string{"guardrail: true"}, does: guesttest.Answers(deny),
	})
}

// TestBackgroundRun: the client is answered before anything has happened. What
// polling shows has been permitted.
func TestBackgroundRun(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model, service := newGates(t), newReceiver(t, nil)
		p := newSite(t, config{store: store, model: openai(model.BaseURL())}).start(t)
		p.installWith(t, watch(t, service), "http")
		p.bind(t, "agent", binding{"plugin": "watch"})
		release := service.block(t)

		r := p.launch(t, "agent", form{"message": "wait for it", "session_id": "s"})
		service.await(t, 1)
		if got := p.read(t, r); got.Status != "RUNNING" || got.Input.Content != "" || got.Content != "" {
			t.Errorf("while a hook looks at the input the run is %+v", got)
		}
		for _, path := range []string{r.path(), "/sessions/s/runs", "/runs/" + r.RunID + "/hooks"} {
			if got := p.get(t, path).want(t, 200); strings.Contains(string(got.body), "wait for it") {
				t.Errorf("%s shows the input before a hook permitted it: %s", path, got.body)
			}
		}
		release()
		model.await(t, "wait for it", 1)
		if got := p.read(t, r); got.Status != "RUNNING" || got.Input.Content != "wait for it" || got.Content != "" {
			t.Errorf("while the model is asked the run is %+v", got)
		}
		model.open("wait for it")
		p.ended(t, r).must(t, "to wait for it")
		want := []string{"watch.before blocking completed allowed", "watch.after background completed allowed"}
		if diff := cmp.Diff(want, summaries(p.settled(t, r.RunID))); diff != "" {
			t.Errorf("hook calls (-want +got):\n%s", diff)
		}
	})
}

// TestBackgroundInputThatIsRefused: it lies in the store while hooks look at it,
// and nowhere afterwards.
func TestBackgroundInputThatIsRefused(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model, service := newGates(t), newReceiver(t, nil)
		s := newSite(t, config{store: store, model: openai(model.BaseURL())})
		p := s.start(t)
		p.installWith(t, watch(t, service), "http")
		p.install(t, refusing(t))
		p.bind(t, "agent", binding{"plugin": "watch"}, binding{"plugin": "guard"})
		release := service.block(t)

		r := p.launch(t, "agent", form{"message": "needle in the input", "session_id": "s"})
		service.await(t, 1)
		if !s.holds(t, "needle in the input") {
			t.Error("the input of a run that goes on is not in the database: searching for it proves nothing")
		}
		release()
		if got := p.ended(t, r); got.Status != "ERROR" || got.ErrorType != "input_check_error" || got.ErrorID != "not_today" || got.Content != "Not today." {
			t.Errorf("the refused run is %+v", got)
		}
		if n := s.database(t).number(t, `SELECT count(*) FROM run_inputs`); n != 0 {
			t.Errorf("%d inputs are kept", n)
		}
		eventually(t, "the input has left the database", func() bool { return !s.holds(t, "needle in the input") })
		want := []string{
			"watch.before blocking completed allowed", "guard.no blocking completed denied not_today",
			"watch.after background skipped run_refused",
		}
		if diff := cmp.Diff(want, summaries(p.settled(t, r.RunID))); diff != "" {
			t.Errorf("hook calls (-want +got):\n%s", diff)
		}
		for _, path := range []string{r.path(), "/sessions/s/runs", "/sessions/s"} {
			if got := p.get(t, path); strings.Contains(string(got.body), "needle") {
				t.Errorf("%s shows the refused input: %s", path, got.body)
			}
		}
		if model.Calls() != 0 || strings.Contains(p.output.String(), "needle") {
			t.Error("the model or the log has got the refused input")
		}
		p.stop(t)
		if s.holds(t, "needle in the input") {
			t.Error("the database holds the refused input after all")
		}
	})
}

// TestBackgroundRunWithABrokenModel ends in ERROR with the reason. Background
// input hooks have seen the input, output hooks nothing.
func TestBackgroundRunWithABrokenModel(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := openaitest.New(t, openaitest.Always(openaitest.Failure(400, "", "the model exploded")))
		p := newSite(t, config{store: store, model: openai(model.BaseURL())}).start(t)
		p.install(t, newPlugin(t, "notes", "",
			hook{name: "input", point: "input", does: guesttest.Answers(allow)},
			hook{name: "output", point: "output", does: guesttest.Answers(allow)}))
		p.bind(t, "agent", binding{"plugin": "notes", "mode": "background"})

		r := p.launch(t, "agent", form{"message": "hello"})
		got := p.ended(t, r)
		if got.Status != "ERROR" || got.ErrorType == "" || !strings.Contains(string(got.Content), "the model exploded") || got.Input.Content != "hello" {
			t.Errorf("the run is %+v", got)
		}
		want := []string{"notes.input background completed allowed", "notes.output background skipped run_not_completed"}
		if diff := cmp.Diff(want, summaries(p.settled(t, r.RunID))); diff != "" {
			t.Errorf("hook calls (-want +got):\n%s", diff)
		}
		if events := p.resume(t, r, fromStart).rest(t); events[len(events)-1].Name != "RunError" {
			t.Errorf("the stream is %v", names(events))
		}
	})
}

// TestIdempotencyKey: a request that is repeated is one run.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := newGates(t)
		p := newSite(t, config{store: store, model: openai(model.BaseURL()), agents: []string{"agent", "other"}}).start(t)
		const header, key = "Idempotency-Key", "order-4711"
		submit := func(agent, key string) reply { return p.submit(t, agent, form{"message": "wait"}, header, key) }
		first, again := run{AgentID: "agent"}, run{AgentID: "agent"}
		submit("agent", key).want(t, 202).into(t, &first)
		model.await(t, "wait", 1)
		submit("agent", key).want(t, 202).into(t, &again)
		if again.RunID != first.RunID || again.SessionID != first.SessionID {
			t.Errorf("the request is the run %s, repeated %s", first.RunID, again.RunID)
		}
		submit("other", key).want(t, 409)
		submit("agent", strings.Repeat("k", 513)).want(t, 422)
		model.open("wait")
		p.ended(t, first).must(t, "to wait")
		submit("agent", key).want(t, 202).into(t, &again)
		if again.RunID != first.RunID || model.Calls() != 1 {
			t.Errorf("afterwards the request is the run %s; the model was asked %d times", again.RunID, model.Calls())
		}
		if submit("agent", "order-4712").want(t, 202).into(t, &again); again.RunID == first.RunID {
			t.Error("another key is the same run")
		}
		p.ended(t, again).must(t, "to wait")
	})
}

// TestBackgroundQueueIsBounded: what no worker takes is PENDING, up to a limit.
// Clients that wait are not affected.
func TestBackgroundQueueIsBounded(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := newGates(t)
		p := newSite(t, config{store: store, model: openai(model.BaseURL()), more: "background: {workers: 1, queue: 1}\n"}).start(t)
		first := p.launch(t, "agent", form{"message": "wait one"})
		model.await(t, "wait one", 1)
		second := p.launch(t, "agent", form{"message": "wait two"})
		refused := p.submit(t, "agent", form{"message": "three"}).want(t, 429)
		if refused.header.Get("Retry-After") == "" {
			t.Errorf("the refusal does not say when to come back: %v", refused.header)
		}
		p.run(t, "agent", form{"message": "hello"}).must(t, "to hello")
		if got := p.read(t, second); got.Status != "PENDING" {
			t.Errorf("the second run is %s while the only worker is busy", got.Status)
		}
		model.open("wait one")
		p.ended(t, first).must(t, "to wait one")
		model.await(t, "wait two", 1)
		if got := p.read(t, second); got.Status != "RUNNING" {
			t.Errorf("the second run is %s while the model is asked", got.Status)
		}
		third := p.launch(t, "agent", form{"message": "three"})
		model.open("wait two")
		p.ended(t, second).must(t, "to wait two")
		p.ended(t, third).must(t, "to three")
	})
}

// TestMixedSessionKeepsItsOrder: runs of a session start in the order in which
// they came, whether their clients wait or not.
func TestMixedSessionKeepsItsOrder(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := newGates(t)
		p := newSite(t, config{store: store, model: openai(model.BaseURL())}).start(t)
		mustKeepOrder(t, model, p, p, p)
	})
}

// mustKeepOrder makes a background run, one whose client waits, and another
// background run in one session, each on a host of its own.
func mustKeepOrder(t *testing.T, model *gates, first, second, third *process) {
	t.Helper()
	one := first.launch(t, "agent", form{"message": "wait one", "session_id": "s"})
	model.await(t, "wait one", 1)
	two := second.begin(t, "agent", form{"message": "two", "session_id": "s", "run_id": "two"})
	second.awaitStatus(t, run{AgentID: "agent", RunID: "two", SessionID: "s"}, "PENDING")
	three := third.launch(t, "agent", form{"message": "three", "session_id": "s"})
	third.ended(t, third.launch(t, "agent", form{"message": "elsewhere"})).must(t, "to elsewhere")
	if got := third.read(t, three); got.Status != "PENDING" {
		t.Errorf("the third run is %s while the first goes on", got.Status)
	}
	model.open("wait one")
	first.ended(t, one).must(t, "to wait one")
	answered(t, two).must(t, "to two")
	third.ended(t, three).must(t, "to three")
	want := []string{
		"user: wait one", "assistant: to wait one", "user: two", "assistant: to two", "user: three",
	}
	requests := model.Requests()
	if diff := cmp.Diff(want, asked(requests[len(requests)-1])); diff != "" {
		t.Errorf("the third run was asked with (-want +got):\n%s", diff)
	}
}
