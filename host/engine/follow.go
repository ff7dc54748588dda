package engine

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// followBatch bounds how many events are read at once.
const followBatch = 256

// Follow sends the stored events of a background run, from an index on and in
// order, waits for more, and returns nil once the run is final and its last event
// was sent. It works on every node, from the store alone. Of a run whose events
// are gone, or that keeps none, it sends nothing. It fails with what send
// returned, with ctx's cause when ctx ends first, and with CodeNotFound for a run
// that does not exist.
func (e *Engine) Follow(ctx context.Context, id string, from int, send func(host.Event) error) error {
	f := &follower{Engine: e, id: id, next: from, send: send}
	return e.bell.until(ctx, host.Signal{Kind: host.SignalEvents, ID: id}, func() (bool, error) {
		return f.catchUp(ctx)
	})
}

// follower is somebody who follows a run.
type follower struct {
	*Engine
	id   string
	next int
	send func(host.Event) error
	// run is as it was read last.
	run *host.Run
}

// catchUp sends what is new. It reports true when nothing will follow: the last
// events are stored together with the run's end.
func (f *follower) catchUp(ctx context.Context) (bool, error) {
	if err := f.look(ctx); err != nil {
		return false, err
	}
	for {
		events, err := f.store.RunEvents(ctx, f.id, f.next, followBatch)
		if err != nil {
			return false, fmt.Errorf("follow run: %w", err)
		}
		for _, event := range events {
			if err := f.pass(ctx, event); err != nil {
				return false, err
			}
		}
		if len(events) < followBatch {
			return f.run.Status.Final(), nil
		}
	}
}

// pass sends one event, with the run as its end left it where the event tells of
// that.
func (f *follower) pass(ctx context.Context, event host.RunEvent) error {
	run := f.run
	switch {
	case event.Run != nil:
		child, err := f.child(ctx, &event)
		if err != nil {
			return err
		}
		run = &child
	case endsRun(event.Kind):
		if err := f.lookAtEnd(ctx); err != nil {
			return err
		}
		run = f.run
	}
	f.next = event.Index + 1
	return f.send(event.Event(run))
}

// child is the run inside the followed one that an event is of.
func (f *follower) child(ctx context.Context, event *host.RunEvent) (host.Run, error) {
	of := event.Run
	run := host.Run{
		ID: of.ID, ParentID: of.ParentID, RootID: f.id, SessionID: f.run.SessionID, UserID: f.run.UserID,
		Component: of.Component, Status: host.RunRunning, Model: of.Model, ModelProvider: of.ModelProvider, Step: of.Step,
	}
	if !endsRun(event.Kind) {
		return run, nil
	}
	run, err := f.store.Run(ctx, of.ID) // stored before the event was
	if err == nil {
		run, err = f.WithChildren(ctx, run)
	}
	if err != nil {
		return run, fmt.Errorf("follow run: %w", err)
	}
	if of.Covered {
		hideAnswer(&run)
	}
	return run, nil
}

// lookAtEnd reads the run as it ended, with the runs inside it.
func (f *follower) lookAtEnd(ctx context.Context) error {
	if !f.run.Status.Final() {
		if err := f.look(ctx); err != nil {
			return err
		}
	}
	run, err := f.WithChildren(ctx, *f.run)
	if err != nil {
		return fmt.Errorf("follow run: %w", err)
	}
	f.run = &run
	return nil
}

func (f *follower) look(ctx context.Context) error {
	run, err := f.store.Run(ctx, f.id)
	if err != nil {
		return fmt.Errorf("follow run: %w", err)
	}
	f.run = &run
	return nil
}
