package engine_test

import (
	"errors"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
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
