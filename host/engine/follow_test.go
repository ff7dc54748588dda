package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
)

// listening hands the signals of the store to an engine for as long as the test.
func (f *fixture) listening(t *testing.T, e *engine.Engine) {
	t.Helper()
	c, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.store.Listen(c, e.Receive) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

var streamed = []string{"RunStarted", "ModelRequestStarted", "RunContent", "ModelRequestCompleted", "RunContentCompleted", "RunCompleted"}

// What happens is sent while it happens, on any node.
func TestFollowLive(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	said, goOn := make(chan struct{}), make(chan struct{})
	f.model.answer = func(c ctx, delta func(string) error) (model.Response, error) {
		if err := delta("one "); err != nil {
			return model.Response{}, err
		}
		close(said)
		<-goOn
		return model.Response{Content: "one two"}, delta("two")
	}
	req := asks("hello")
	req.Deltas = true
	id := f.accept(t, req).ID
	other := f.node(t, func(c *engine.Config) { c.Node = "other" })
	f.listening(t, other)

	first := make(chan struct{})
	var s stream
	s.on = func(e host.Event) error {
		if e.Kind == host.EventRunContent && s.content() == "one " {
			close(first)
		}
		return nil
	}
	followed := make(chan error, 1)
	go func() { followed <- other.Follow(t.Context(), id, 0, s.send) }()
	work, worked := f.claim(t, "node", id), make(chan error, 1)
	go func() { worked <- f.Work(t.Context(), work) }()
	<-said
	<-first // before the model goes on
	close(goOn)
	for _, ended := range []chan error{worked, followed} {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(streamed, s.kinds()); diff != "" || s.content() != "one two" {
		t.Errorf("content %q, events (-want +got):\n%s", s.content(), diff)
	}
	last := s.events[len(s.events)-1]
	if last.Run.Status != host.RunCompleted || string(last.Run.Content) != `"one two"` || s.events[0].Run.Status == host.RunCompleted {
		t.Errorf("from %+v to %+v", s.events[0].Run, last.Run)
	}
}

func TestFollowLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	req := asks("one two three")
	req.Deltas = true
	id := f.background(t, req).ID
	var all stream
	if err := f.Follow(t.Context(), id, 0, all.send); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(streamed, all.kinds()); diff != "" || all.content() != "one two three" {
		t.Errorf("content %q, events (-want +got):\n%s", all.content(), diff)
	}
	for from := range len(all.events) + 2 {
		var s stream
		if err := f.Follow(t.Context(), id, from, s.send); err != nil {
			t.Fatal(err)
		}
		want := all.events[min(from, len(all.events)):]
		if len(s.events) != len(want) || len(want) > 0 && s.events[0].Index != from {
			t.Errorf("from %d: %v", from, s.kinds())
		}
	}
}

func TestFollowWithoutDeltas(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := []string{"RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "RunContentCompleted", "RunCompleted"}
	if diff := cmp.Diff(want, f.events(t, f.background(t, asks("hello")).ID)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestFollowNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := f.Follow(t.Context(), "unknown", 0, nil); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("unknown: %v", err)
	}
	if err := f.Follow(t.Context(), f.run(t, asks("hello")).ID, 0, nil); err != nil {
		t.Errorf("foreground: %v", err)
	}
	id := f.background(t, asks("hello")).ID
	if _, err := f.store.Expire(t.Context(), host.Retention{Events: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := f.Follow(t.Context(), id, 0, nil); err != nil {
		t.Errorf("forgotten: %v", err)
	}
}

func TestFollowerLeaves(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.accept(t, asks("hello")).ID
	gone := errors.New("gone")
	c, leave := context.WithCancelCause(t.Context())
	leave(gone)
	if err := f.Follow(c, id, 0, nil); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	f.cancel(t, id)
	if err := f.Follow(t.Context(), id, 0, func(host.Event) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}
