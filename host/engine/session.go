package engine

import (
	"context"
	"sync"
)

// turnstile lets the runs of one session through one at a time, in the order in
// which they came.
type turnstile struct {
	mu     sync.Mutex
	queues map[string][]chan struct{} // waiting, behind the one inside
}

func newTurnstile() *turnstile { return &turnstile{queues: map[string][]chan struct{}{}} }

// place is a run's place in its session's queue.
type place struct {
	turnstile *turnstile
	session   string
	ready     chan struct{} // nil when there was nobody before
}

// enter takes the next place.
func (t *turnstile) enter(session string) place {
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting, busy := t.queues[session]
	if !busy {
		t.queues[session] = nil
		return place{turnstile: t, session: session}
	}
	p := place{turnstile: t, session: session, ready: make(chan struct{})}
	t.queues[session] = append(waiting, p.ready)
	return p
}

// mustWait reports whether somebody was before.
func (p place) mustWait() bool { return p.ready != nil }

// wait returns when it is the place's turn. When ctx ends first the place is
// given up and must not be left.
func (p place) wait(ctx context.Context) error {
	if p.ready == nil {
		return nil
	}
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
		if p.abandon() {
			return context.Cause(ctx)
		}
		return nil // the turn came at the same moment
	}
}

// abandon takes the place out of the queue; false when its turn has come.
func (p place) abandon() bool {
	t := p.turnstile
	t.mu.Lock()
	defer t.mu.Unlock()
	queue := t.queues[p.session]
	for i, ready := range queue {
		if ready == p.ready {
			t.queues[p.session] = append(queue[:i:i], queue[i+1:]...)
			return true
		}
	}
	return false
}

// quit gives the place up, whether its turn has come or not.
func (p place) quit() {
	if p.ready == nil || !p.abandon() {
		p.leave()
	}
}

// leave lets the next one in.
func (p place) leave() {
	t := p.turnstile
	t.mu.Lock()
	defer t.mu.Unlock()
	queue := t.queues[p.session]
	if len(queue) == 0 {
		delete(t.queues, p.session)
		return
	}
	close(queue[0])
	t.queues[p.session] = queue[1:]
}
