package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestCancel: a run ends wherever it is, and what was permitted is followed up.
func TestCancel(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := newGates(t)
		p := newSite(t, config{store: store, model: openai(model.BaseURL()), agents: []string{"agent", "slow"}}).start(t)
		p.install(t, newPlugin(t, "notes", "",
			hook{name: "input", point: "input", does: guesttest.Answers(allow)},
			hook{name: "output", point: "output", does: guesttest.Answers(allow)}),
			newPlugin(t, "sleeps", "", hook{name: "long", point: "input", fields: []string{"timeout: 5s"}, does: guesttest.Sleeps(time.Minute)}))
		p.bind(t, "agent", binding{"plugin": "notes", "mode": "background"})
		p.bind(t, "slow", binding{"plugin": "sleeps"}, binding{"plugin": "notes", "mode": "background"})

		cancelPending(t, p, model)
		cancelInModel(t, p, model)
		cancelInHook(t, p, model)
		cancelForeground(t, p, model)
		cancelNothing(t, p, model)
	})
}

// skippedNotes are the calls of a run that was cancelled before its input was
// permitted.
var skippedNotes = []string{"notes.input background skipped cancelled", "notes.output background skipped cancelled"}

// mustBeCancelled waits for the end of a run and checks it, and its calls.
func mustBeCancelled(t *testing.T, p *process, r run, calls ...string) {
	t.Helper()
	if got := p.ended(t, r); got.Status != "CANCELLED" {
		t.Errorf("the run %s is %s with %q", r.RunID, got.Status, got.Content)
	}
	if diff := cmp.Diff(calls, summaries(p.settled(t, r.RunID))); diff != "" {
		t.Errorf("run %s: hook calls (-want +got):\n%s", r.RunID, diff)
	}
}

// cancelPending: a run that waits for another one of its session never starts.
func cancelPending(t *testing.T, p *process, model *gates) {
	t.Helper()
	first := p.launch(t, "agent", form{"message": "wait first", "session_id": "pending"})
	model.await(t, "wait first", 1)
	waiting := p.launch(t, "agent", form{"message": "never", "session_id": "pending"})
	third := p.launch(t, "agent", form{"message": "third", "session_id": "pending"})
	p.cancel(t, waiting)
	mustBeCancelled(t, p, waiting, skippedNotes...)
	if got := p.read(t, waiting); got.Input.Content != "" {
		t.Errorf("a run whose input nobody permitted shows it: %q", got.Input.Content)
	}
	model.open("wait first")
	p.ended(t, first).must(t, "to wait first")
	p.ended(t, third).must(t, "to third")
	if model.asked("never") != 0 {
		t.Error("a run that was cancelled before its turn has asked the model")
	}
}

// cancelInModel: the model's answer is not waited for.
func cancelInModel(t *testing.T, p *process, model *gates) {
	t.Helper()
	r := p.launch(t, "agent", form{"message": "wait for ever"})
	model.await(t, "wait for ever", 1)
	p.cancel(t, r)
	mustBeCancelled(t, p, r, "notes.input background completed allowed", "notes.output background skipped cancelled")
}

// cancelInHook: a guest that sleeps is ended.
func cancelInHook(t *testing.T, p *process, model *gates) {
	t.Helper()
	s := p.follow(t, "slow", form{"message": "into a hook", "session_id": "hook"})
	head := s.until(t, "PreHookStarted")
	p.cancel(t, run{AgentID: "slow", RunID: head[0].RunID})
	mustEndCancelled(t, append(head, s.rest(t)...))
	mustBeCancelled(t, p, run{AgentID: "slow", RunID: head[0].RunID, SessionID: "hook"},
		append([]string{"sleeps.long blocking cancelled"}, skippedNotes...)...)
	if model.asked("into a hook") != 0 {
		t.Error("a run that was cancelled in a hook of input has asked the model")
	}
}

// mustEndCancelled checks how the stream of a cancelled run ends.
func mustEndCancelled(t *testing.T, events []event) {
	t.Helper()
	if all := names(events); len(all) < 3 || !slices.Equal(all[len(all)-2:], []string{"RunCancelled", "RunCompleted"}) {
		t.Errorf("the stream of a cancelled run is %v", all)
	}
}

// cancelForeground: whose client waits gets what there is.
func cancelForeground(t *testing.T, p *process, model *gates) {
	t.Helper()
	answer := p.begin(t, "agent", form{"message": "wait plain", "run_id": "plain", "session_id": "plain"})
	model.await(t, "wait plain", 1)
	p.cancel(t, run{AgentID: "agent", RunID: "plain"})
	if got := answered(t, answer); got.Status != "CANCELLED" {
		t.Errorf("the answer is %s with %q", got.Status, got.Content)
	}
	s := p.mustStream(t, "agent", form{"message": "wait streamed"})
	head := s.until(t, "RunContent")
	p.cancel(t, run{AgentID: "agent", RunID: head[0].RunID})
	events := append(head, s.rest(t)...)
	mustEndCancelled(t, events)
	if last := events[len(events)-1]; last.text() != "to " {
		t.Errorf("a cancelled run ends with %q, want what had been said", last.text())
	}
}

// cancelNothing: a run that is over stays as it is. One that comes later ends
// before it starts.
func cancelNothing(t *testing.T, p *process, model *gates) {
	t.Helper()
	done := p.ended(t, p.launch(t, "agent", form{"message": "done"})).must(t, "to done")
	p.cancel(t, done)
	p.read(t, done).must(t, "to done")
	p.cancel(t, run{AgentID: "agent", RunID: "later"})
	mustBeCancelled(t, p, p.launch(t, "agent", form{"message": "later", "run_id": "later"}), skippedNotes...)
	p.cancel(t, run{AgentID: "agent", RunID: "early"})
	early := answered(t, p.begin(t, "agent", form{"message": "early", "run_id": "early", "session_id": "early"}))
	mustBeCancelled(t, p, early, skippedNotes...)
	if model.asked("later")+model.asked("early") != 0 {
		t.Error("a run that was cancelled before it came has asked the model")
	}
	p.do(t, http.MethodPost, run{AgentID: "nobody", RunID: done.RunID}.at("cancel"), "", nil).want(t, 404)
}
