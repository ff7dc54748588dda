package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
)

// keyed is a request with an idempotency key.
func keyed(text, key string) host.RunRequest {
	req := asks(text)
	req.IdempotencyKey = key
	return req
}

func TestStartChecksTheRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	req := asks("hello")
	req.Component.ID = "b"
	if _, err := f.Start(t.Context(), req); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("unknown agent: %v", err)
	}
	req = asks("hello")
	req.Input = nil
	if _, err := f.Start(t.Context(), req); host.CodeOf(err) != host.CodeInvalid {
		t.Errorf("no input: %v", err)
	}
	if len(f.store.created) != 0 {
		t.Errorf("%d runs were created", len(f.store.created))
	}
}

func TestStartWithAFullQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Engine = f.node(t, func(c *engine.Config) { c.MaxQueued = 2 })
	first := f.accept(t, asks("1"))
	f.accept(t, asks("2"))
	if _, err := f.Start(t.Context(), asks("3")); host.CodeOf(err) != host.CodeBusy {
		t.Errorf("error %v", err)
	}
	f.cancel(t, first.ID)
	f.accept(t, asks("4"))
}

func TestStartTwice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := *f.agent
	other.ID = "b"
	f.Engine = f.node(t, func(c *engine.Config) { c.Agents = append(c.Agents, &other) })
	first := f.accept(t, keyed("1", "key"))
	if again := f.accept(t, keyed("2", "key")); again.ID != first.ID || again.Status != host.RunPending {
		t.Errorf("%+v instead of %s", again, first.ID)
	}
	req := keyed("3", "key")
	req.Component.ID = "b"
	if _, err := f.Start(t.Context(), req); host.CodeOf(err) != host.CodeConflict {
		t.Errorf("another agent: %v", err)
	}
	if _, err := f.Run(t.Context(), req); host.CodeOf(err) != host.CodeConflict {
		t.Errorf("another agent, waiting: %v", err)
	}
	if err := f.Work(t.Context(), f.claim(t, "node", first.ID)); err != nil {
		t.Fatal(err)
	}
	if again := f.accept(t, keyed("4", "key")); again.Status != host.RunCompleted || string(again.Content) != `"1"` {
		t.Errorf("again %+v", again)
	}
}

// TestKeysOfUsers: a key belongs to its user, whatever the two look like together.
func TestKeysOfUsers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	seen := map[string]bool{}
	for _, of := range []struct{ user, key string }{{"", "key"}, {"alice", "key"}, {"bob", "key"}, {"alice:k", "ey"}, {"alice", ":key"}} {
		req := keyed("hello", of.key)
		req.UserID = of.user
		first := f.accept(t, req)
		if seen[first.ID] {
			t.Errorf("key %q of user %q leads to a run of another", of.key, of.user)
		}
		seen[first.ID] = true
		if again := f.accept(t, req); again.ID != first.ID {
			t.Errorf("key %q of user %q leads to %s, want %s", of.key, of.user, again.ID, first.ID)
		}
	}
	mine, theirs := keyed("mine", "waited for"), keyed("theirs", "waited for")
	mine.UserID, theirs.UserID = "alice", "bob"
	mine.SessionID, theirs.SessionID = "mine", "theirs"
	if first, second := f.run(t, mine), f.run(t, theirs); first.ID == second.ID {
		t.Error("a request that is waited for was answered with a run of another user")
	}
}

// A repeated request waits for the first run, in whichever session and however it
// is run, and keeps nobody else waiting.
func TestRunTwice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	g := newGated(f)
	first := f.start(t.Context(), keyed("1", "key"))
	<-f.store.waits
	<-g.entered
	var s stream
	req := keyed("2", "key")
	req.SessionID, req.Events = "t", s.send
	second := f.start(t.Context(), req)

	other := asks("3")
	other.SessionID = "t"
	third := f.start(t.Context(), other)
	if got := <-g.entered; got != "3" {
		t.Errorf("%q was asked", got)
	}
	g.goOn <- struct{}{}
	g.goOn <- struct{}{}
	<-third
	one, two := <-first, <-second
	if one.err != nil || two.err != nil || one.run.ID != two.run.ID || two.run.Status != host.RunCompleted {
		t.Errorf("%+v, then %+v", one, two)
	}
	if diff := cmp.Diff([]string{"RunStarted", "RunContent", "RunCompleted"}, s.kinds()); diff != "" || s.content() != "done" {
		t.Errorf("content %q, events (-want +got):\n%s", s.content(), diff)
	}
}

func TestRunWhatWasCancelled(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cancel(t, f.accept(t, keyed("1", "key")).ID)
	var s stream
	req := keyed("2", "key")
	req.Events = s.send
	if run := f.run(t, req); run.Status != host.RunCancelled {
		t.Errorf("run %+v", run)
	}
	if diff := cmp.Diff([]string{"RunStarted", "RunCancelled", "RunCompleted"}, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
