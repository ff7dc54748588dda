package engine

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
)

// turnstile lets the runs of one session through one at a time, in the order in
// which they came. It is safe for concurrent use.
type turnstile struct {
	mu     sync.Mutex
	queues map[string][]chan struct{} // waiting, behind the one inside

	seed maphash.Seed
	// arrivals holds back who comes to a session while another one's place and
	// row are made; sessions share them.
	arrivals [64]sync.Mutex
}

func newTurnstile() *turnstile {
	return &turnstile{queues: map[string][]chan struct{}{}, seed: maphash.MakeSeed()}
}

// arrival is held from before a run takes its place until its row is created: if
// the rows were in another order, two runs would wait for each other.
func (t *turnstile) arrival(session string) *sync.Mutex {
	return &t.arrivals[maphash.String(t.seed, session)%uint64(len(t.arrivals))]
}

// place is a run's place in its session's queue. Whoever has one must leave it,
// once. The zero place is in no queue.
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

// wait returns when it is the place's turn, or ctx's cause when ctx ends first.
func (p place) wait(ctx context.Context) error {
	if p.ready == nil {
		return nil
	}
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leave gives the place up and, when its turn had come, lets the next one in.
func (p place) leave() {
	t := p.turnstile
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	queue := t.queues[p.session]
	if i := slices.Index(queue, p.ready); p.ready != nil && i >= 0 {
		t.queues[p.session] = slices.Delete(queue, i, i+1)
		return
	}
	if len(queue) == 0 {
		delete(t.queues, p.session)
		return
	}
	close(queue[0])
	t.queues[p.session] = queue[1:]
}
