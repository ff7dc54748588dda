package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestResume: a client that leaves a background run misses nothing of it, then or
// after its end.
func TestResume(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := newGates(t)
		p := newSite(t, config{store: store, model: openai(model.BaseURL())}).start(t)
		s := p.follow(t, "agent", form{"message": "wait for it", "session_id": "s"})
		head := s.until(t, "RunContent")
		r := run{AgentID: "agent", RunID: head[0].RunID, SessionID: "s"}
		s.body.Close()

		open := p.resume(t, r, lastIndex(t, head))
		begun := open.until(t, "subscribed")
		model.open("wait for it")
		_, rest := split(append(begun, open.rest(t)...))
		whole := append(head, rest...)
		mustBeStreamOf(t, whole, "to wait for it")
		p.read(t, r).must(t, "to wait for it")

		mustReplay(t, p, r, whole)
		mustNotResume(t, p, r)
	})
}

// mustBeStreamOf checks a stream from its first event to its last.
func mustBeStreamOf(t *testing.T, events []event, content string) {
	t.Helper()
	mustComplete(t, events, content)
	if contents(events) != content {
		t.Errorf("the stream %v says %q, want %q", names(events), contents(events), content)
	}
}

// mustComplete checks that nothing of a stream is missing and that its run is
// completed once, with the content.
func mustComplete(t *testing.T, events []event, content string) {
	t.Helper()
	mustCount(t, events, 0)
	all := ownNames(events)
	if all[0] != "RunStarted" || slices.Index(all, "RunCompleted") != len(all)-1 {
		t.Errorf("the stream is %v", all)
	}
	if last := events[len(events)-1]; last.text() != content {
		t.Errorf("the stream ends with %s %q, want %q", last.Name, last.text(), content)
	}
}

// mustReplay checks that a run that is over is streamed again, from anywhere.
func mustReplay(t *testing.T, p *process, r run, whole []event) {
	t.Helper()
	for _, last := range []int{fromStart, 0, len(whole) - 2, len(whole) - 1} {
		frames, events := split(p.resume(t, r, last).rest(t))
		want := whole[last+1:]
		if len(frames) != 1 || frames[0].Name != "replay" || frames[0].Status != "COMPLETED" || frames[0].Total != len(want) {
			t.Errorf("resumed after %d: the frames are %+v, want a replay of %d", last, frames, len(want))
		}
		if diff := cmp.Diff(raws(want), raws(events)); diff != "" {
			t.Errorf("resumed after %d (-want +got):\n%s", last, diff)
		}
	}
}

func raws(events []event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.raw)
	}
	return all
}

// mustNotResume checks what is no stream of the run.
func mustNotResume(t *testing.T, p *process, r run) {
	t.Helper()
	for _, other := range []run{
		{AgentID: "agent", RunID: "nope", SessionID: "s"}, {AgentID: "agent", RunID: r.RunID, SessionID: "other"},
	} {
		got := p.resume(t, other, fromStart).rest(t)
		if len(got) != 1 || got[0].Name != "error" || got[0].Error == "" {
			t.Errorf("the run %s of session %s is resumed with %v", other.RunID, other.SessionID, names(got))
		}
	}
	send := func(agent string, f form) reply {
		contentType, body := f.urlencoded()
		return p.do(t, http.MethodPost, run{AgentID: agent, RunID: r.RunID}.at("resume"), contentType, body)
	}
	send("nobody", form{"session_id": "s"}).want(t, 404)
	for _, last := range []string{"last", "-2", "1000"} {
		send("agent", form{"session_id": "s", "last_event_index": last}).want(t, 422).says(t, "last_event_index")
	}
}

// TestResumeAfterASuddenDeath: the next process goes on with the run, and the
// client with its stream.
func TestResumeAfterASuddenDeath(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model, service := newGates(t), newReceiver(t, nil)
		s := newSite(t, config{store: store, model: openai(model.BaseURL())})
		p := s.start(t)
		p.installWith(t, watch(t, service), "http")
		p.bind(t, "agent", binding{"plugin": "watch", "hook": "before"})
		open := p.follow(t, "agent", form{"message": "wait for it", "session_id": "s"})
		head := open.until(t, "ModelRequestStarted")
		model.await(t, "wait for it", 1)
		r := run{AgentID: "agent", RunID: head[0].RunID, SessionID: "s"}
		p.kill(t)

		p = s.start(t)
		next := p.resume(t, r, lastIndex(t, head))
		more := next.until(t, "RunContinued")
		model.open("wait for it")
		_, rest := split(append(more, next.rest(t)...))
		mustComplete(t, append(head, rest...), "to wait for it")
		p.read(t, r).must(t, "to wait for it")
		if n := len(service.requests()); n != 1 {
			t.Errorf("the hook of input was called %d times: the run did not go on from its checkpoint", n)
		}
	})
}
