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
	if endsRun(event.Kind) && !f.run.Status.Final() {
		if err := f.look(ctx); err != nil {
			return err
		}
	}
	f.next = event.Index + 1
	return f.send(event.Event(f.run))
}

func (f *follower) look(ctx context.Context) error {
	run, err := f.store.Run(ctx, f.id)
	if err != nil {
		return fmt.Errorf("follow run: %w", err)
	}
	f.run = &run
	return nil
}
