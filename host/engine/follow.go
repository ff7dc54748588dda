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
}

// catchUp sends what is new. It reports true when nothing will follow: the last
// events are stored together with the run's end.
func (f *follower) catchUp(ctx context.Context) (bool, error) {
	run, err := f.read(ctx)
	if err != nil {
		return false, err
	}
	for {
		events, err := f.store.RunEvents(ctx, f.id, f.next, followBatch)
		if err != nil {
			return false, fmt.Errorf("follow run: %w", err)
		}
		for _, event := range events {
			if endsRun(event.Kind) && !run.Status.Final() {
				if run, err = f.read(ctx); err != nil {
					return false, err
				}
			}
			if err := f.send(event.Event(run)); err != nil {
				return false, err
			}
			f.next = event.Index + 1
		}
		if len(events) < followBatch {
			return run.Status.Final(), nil
		}
	}
}

func (f *follower) read(ctx context.Context) (*host.Run, error) {
	run, err := f.store.Run(ctx, f.id)
	if err != nil {
		return nil, fmt.Errorf("follow run: %w", err)
	}
	return &run, nil
}
