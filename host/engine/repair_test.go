package engine_test

import (
	"errors"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestRepairEndsWhatTheStoreDidNotTake(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	broken := errors.New("disk full")
	f.store.finishing = func(host.Finish) error { return broken }
	var s stream
	req := asks("hello")
	req.RunID, req.Events = "lost", s.send
	if _, err := f.Run(t.Context(), req); !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	if err := f.Repair(t.Context()); !errors.Is(err, broken) {
		t.Errorf("repair while the store is broken: %v", err)
	}
	f.store.finishing = nil
	if err := f.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	run, err := f.store.Run(t.Context(), "lost")
	if err != nil {
		t.Fatal(err)
	}
	if run.Status != host.RunError || run.Failure == nil || run.Failure.Type != "storage_error" || run.Messages != nil {
		t.Errorf("run %+v", run)
	}
	f.store.finishing = func(host.Finish) error { t.Error("a run was repaired twice"); return nil }
	if err := f.Repair(t.Context()); err != nil {
		t.Error(err)
	}
}

// A transaction may be committed though its writer does not hear of it: what it
// leased to this node is due again.
func TestRepairFindsCallsStoredUnnoticed(t *testing.T) {
	t.Parallel()
	for _, detached := range []bool{false, true} {
		f := newFixture(t, background(pluginapi.PointInput, "log"))
		f.store.unheard = errors.New("connection lost")
		id, ended := f.goOn(t, detached)
		if err := <-ended; (err == nil) != detached { // a worker looks again
			t.Errorf("detached %v: %v", detached, err)
		}
		if run := f.stored(t, id); run.Status != host.RunCompleted {
			t.Errorf("run %+v", run)
		}
		if calls := f.heldCalls(t, id); calls != 1 {
			t.Fatalf("%d calls are held", calls)
		}
		f.store.unheard = nil
		if err := f.Repair(t.Context()); err != nil {
			t.Fatal(err)
		}
		if calls := f.heldCalls(t, id); calls != 0 {
			t.Errorf("%d calls are held by nobody's worker", calls)
		}
	}
}

// heldCalls counts the calls of a run that a node has leased.
func (f *fixture) heldCalls(t *testing.T, id string) int {
	t.Helper()
	calls, err := f.store.HookCalls(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, call := range calls {
		if call.Owner != "" {
			held++
		}
	}
	return held
}

// A run that was cancelled while its end could not be stored is CANCELLED.
func TestRepairOfACancelledRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store.finishing = func(host.Finish) error { return errors.New("disk full") }
	req := asks("hello")
	req.RunID = "lost"
	if _, err := f.Run(t.Context(), req); err == nil {
		t.Fatal("the end was stored")
	}
	f.cancel(t, "lost")
	f.store.finishing = nil
	if err := f.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	if run := f.stored(t, "lost"); run.Status != host.RunCancelled || run.Failure != nil {
		t.Errorf("run %+v", run)
	}
}
