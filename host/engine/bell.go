package engine

import (
	"context"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Who waits for a signal looks by itself too, after firstPoll and then less
// often, up to lastPoll: signals can be lost.
const (
	firstPoll = 250 * time.Millisecond
	lastPoll  = time.Second
)

// bell wakes those who wait for a signal. It is safe for concurrent use.
type bell struct {
	mu      sync.Mutex
	waiting map[host.Signal]map[chan struct{}]struct{}
}

func newBell() *bell { return &bell{waiting: map[host.Signal]map[chan struct{}]struct{}{}} }

// listen returns what is sent to when the signal comes, until stop is called.
func (b *bell) listen(signal host.Signal) (rung <-chan struct{}, stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[signal] == nil {
		b.waiting[signal] = map[chan struct{}]struct{}{}
	}
	ear := make(chan struct{}, 1)
	b.waiting[signal][ear] = struct{}{}
	return ear, func() { b.forget(signal, ear) }
}

func (b *bell) forget(signal host.Signal, ear chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting[signal], ear)
	if len(b.waiting[signal]) == 0 {
		delete(b.waiting, signal)
	}
}

// ring wakes who waits for the signal. One without an id wakes everybody.
func (b *bell) ring(signal host.Signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if signal.ID != "" {
		wake(b.waiting[signal])
		return
	}
	for _, ears := range b.waiting {
		wake(ears)
	}
}

func wake(ears map[chan struct{}]struct{}) {
	for ear := range ears {
		select {
		case ear <- struct{}{}:
		default:
		}
	}
}

// until calls done at once, whenever the signal comes and now and then, until it
// reports true or fails, or ctx ends, with its cause.
func (b *bell) until(ctx context.Context, signal host.Signal, done func() (bool, error)) error {
	rung, stop := b.listen(signal)
	defer stop()
	for pause := firstPoll; ; {
		over, err := done()
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case over, err != nil:
			return err
		}
		select {
		case <-rung:
			pause = firstPoll
		case <-time.After(pause):
			pause = min(2*pause, lastPoll)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
