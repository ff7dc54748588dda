package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model"
)

// Events the store does not take at first are stored later, in their order.
func TestJournalTriesAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tries, stored := 0, make(chan struct{})
	f.store.appending = func() error {
		switch tries++; tries {
		case 1, 2:
			return errors.New("disk broken")
		case 3:
			close(stored)
		}
		return nil
	}
	f.model.answer = func(ctx, func(string) error) (model.Response, error) {
		<-stored
		return model.Response{Content: "done"}, nil
	}
	want := []string{"RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "RunContentCompleted", "RunCompleted"}
	if diff := cmp.Diff(want, f.events(t, f.background(t, asks("hello")).ID)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What the journal could not store is stored with the end of the run.
func TestJournalThatStoresNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store.appending = func() error { return errors.New("disk broken") }
	req := asks("one two")
	req.Deltas = true
	id := f.background(t, req).ID
	var s stream
	if err := f.Follow(t.Context(), id, 0, s.send); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(streamed, s.kinds()); diff != "" || s.content() != "one two" {
		t.Errorf("content %q, events (-want +got):\n%s", s.content(), diff)
	}
}

// A worker that lost its run hears of it when it stores events, and stops.
func TestStaleWorkerStops(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store.appending = func() error {
		_, err := f.store.Sweep(t.Context(), "survivor", time.Now())
		return err
	}
	f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
		<-c.Done()
		return model.Response{}, c.Err()
	}
	id := f.accept(t, asks("hello")).ID
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	if run := f.stored(t, id); run.Status.Final() || len(f.store.finishes) != 0 {
		t.Errorf("%d ends, run %+v", len(f.store.finishes), run)
	}
}
