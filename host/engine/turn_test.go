package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
)

// claimable reports whether a background run may begin.
func (f *fixture) claimable(t *testing.T, id string) bool {
	t.Helper()
	now := time.Now()
	_, ok, err := f.store.ClaimRun(t.Context(), host.Lease{Owner: "node", Until: now.Add(time.Minute)}, now, id)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// Runs whose clients wait and background runs take turns, in the order in which
// they came, on all nodes.
func TestSessionOrderOfAllKinds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := f.node(t, func(c *engine.Config) { c.Node = "other" })
	f.listening(t, f.Engine)
	g := newGated(f)
	first := f.start(t.Context(), asks("1"))
	<-g.entered
	second := f.accept(t, asks("2")).ID
	third := f.begin(t, t.Context(), "3")
	fourth := f.accept(t, asks("4")).ID
	if f.claimable(t, second) || f.claimable(t, fourth) {
		t.Fatal("a run did not wait")
	}
	g.goOn <- struct{}{}
	<-first
	work, worked := f.claim(t, "other", second), make(chan error, 1)
	go func() { worked <- other.Work(t.Context(), work) }()
	if got := <-g.entered; got != "2" {
		t.Errorf("%q came second", got)
	}
	if run := f.stored(t, "3"); run.Status != host.RunPending || f.claimable(t, fourth) {
		t.Errorf("the third one did not wait: %+v", run)
	}
	g.goOn <- struct{}{}
	if err := <-worked; err != nil {
		t.Fatal(err)
	}
	if got := <-g.entered; got != "3" {
		t.Errorf("%q came third", got)
	}
	if f.claimable(t, fourth) {
		t.Error("the fourth one did not wait")
	}
	g.goOn <- struct{}{}
	<-third
	if !f.claimable(t, fourth) {
		t.Error("the fourth one still waits")
	}
}

// A run that waits for another node's is PENDING, and does not begin when its
// client leaves, or it is cancelled.
func TestLeftWhileAnotherNodeRuns(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(f *fixture, cancel context.CancelCauseFunc) error{
		"the client left": func(_ *fixture, cancel context.CancelCauseFunc) error { cancel(errors.New("left")); return nil },
		"cancelled":       func(f *fixture, _ context.CancelCauseFunc) error { return f.Cancel(context.Background(), "waits") },
	} {
		f := newFixture(t)
		f.accept(t, asks("1"))
		c, cancel := context.WithCancelCause(t.Context())
		ended := f.begin(t, c, "waits")
		if err := leave(f, cancel); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if end := <-ended; end.err != nil || end.run.Status != host.RunCancelled || len(f.store.started) != 0 {
			t.Errorf("%s: %+v, %v", name, end.run, end.err)
		}
		cancel(nil)
	}
}

func TestParallelSessions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agent.ParallelSessions = true
	g := newGated(f)
	first, second := f.start(t.Context(), asks("1")), f.start(t.Context(), asks("2"))
	<-g.entered
	<-g.entered
	third := f.accept(t, asks("3"))
	if !third.Parallel || !f.claimable(t, third.ID) {
		t.Errorf("the third one waits: %+v", third)
	}
	g.goOn <- struct{}{}
	g.goOn <- struct{}{}
	for _, ended := range []<-chan ended{first, second} {
		if end := <-ended; end.err != nil || end.run.Status != host.RunCompleted {
			t.Errorf("%+v, %v", end.run, end.err)
		}
	}
}
