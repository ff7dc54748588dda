package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	// lazyDelay is how long a write nobody waits for may lie, so that what comes
	// after it for the same row makes it needless.
	lazyDelay = 5 * time.Millisecond
	// maxBatch bounds the ops of one transaction.
	maxBatch = 128
	// maxLazy bounds the ops a broken database may pile up.
	maxLazy = 8192
)

// queue holds ops in the order they were handed in, for one receiver. It is safe
// for concurrent use.
type queue struct {
	wake chan struct{} // there may be something to do sooner than was said

	mu       sync.Mutex
	ops      []*op
	looks    time.Time      // when the receiver looks without being woken
	byKey    map[string]*op // of ops, and of those being written
	barriers int            // how many of ops are barriers
	writing  []*op
	closed   bool
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1), byKey: map[string]*op{}} }

// put takes an op, or says why not.
func (q *queue) put(o *op) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return row.ErrClosed
	case len(q.ops) >= maxLazy:
		return row.ErrNotNow
	}
	q.register(o)
	q.ops = append(q.ops, o)
	if o.due.Before(q.looks) {
		q.looks = o.due
		q.signal()
	}
	return nil
}

// register makes an op known by its row. The first of a row stays.
func (q *queue) register(o *op) {
	if o.key != "" && q.byKey[o.key] == nil {
		q.byKey[o.key] = o
	}
}

func (q *queue) forget(o *op) {
	if o.key != "" && q.byKey[o.key] == o {
		delete(q.byKey, o.key)
	}
}

// barrier puts a barrier, nil when there is nothing to wait for.
func (q *queue) barrier() (*op, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, row.ErrClosed
	}
	if len(q.ops) == 0 && len(q.writing) == 0 {
		return nil, nil
	}
	o := &op{done: make(chan error, 1)}
	q.ops = append(q.ops, o)
	q.barriers++
	q.signal()
	return o, nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// claim removes the op of a row and returns it, nil when there is none. One that is
// being written it waits for.
func (q *queue) claim(ctx context.Context, key string) (*op, error) {
	for {
		o, settled, err := q.tryClaim(key)
		if settled == nil {
			return o, err
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryClaim is claim that returns what to wait for.
func (q *queue) tryClaim(key string) (o *op, settled <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, nil, row.ErrClosed
	}
	o = q.byKey[key]
	switch {
	case o == nil:
		return nil, nil, nil
	case !slices.Contains(q.writing, o):
		q.ops = slices.DeleteFunc(q.ops, func(other *op) bool { return other == o })
		q.forget(o)
		return o, nil, nil
	}
	if o.settled == nil {
		o.settled = make(chan struct{})
	}
	return nil, o.settled, nil
}

// next returns how long to wait until an op has to be written, 0 for now, and
// whether there will ever be one.
func (q *queue) next(now time.Time) (wait time.Duration, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { q.looks = now.Add(wait) }()
	if len(q.ops) == 0 {
		return time.Hour, !q.closed
	}
	if q.hurried() {
		return 0, true
	}
	wait = time.Hour
	for _, o := range q.ops {
		wait = min(wait, o.due.Sub(now))
	}
	return max(wait, 0), true
}

// hurried reports whether all ops are due, whatever they say.
func (q *queue) hurried() bool { return q.closed || q.barriers > 0 }

// take returns the next batch: the ops that are due, of each row at most one.
func (q *queue) take(now time.Time) []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	hurried := q.hurried()
	var batch, left []*op
	keys := map[string]bool{}
	for _, o := range q.ops {
		wanted := hurried || !o.due.After(now)
		again := o.key != "" && keys[o.key]
		if !wanted || again || len(batch) == maxBatch || o.barrier() && len(left) > 0 {
			left = append(left, o)
			continue
		}
		keys[o.key] = true
		batch = append(batch, o)
		if o.barrier() {
			q.barriers--
		}
	}
	q.ops, q.writing = left, batch
	return batch
}

// settle ends the writing of a batch. What is kept goes back to the head.
func (q *queue) settle(kept []*op) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.writing {
		if o.settled != nil {
			close(o.settled)
			o.settled = nil
		}
		if !slices.Contains(kept, o) {
			q.forget(o)
		}
	}
	q.writing = nil
	q.ops = append(kept, q.ops...)
}

// putBack returns an op that was claimed.
func (q *queue) putBack(o *op) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.register(o)
	q.ops = append([]*op{o}, q.ops...)
	q.signal()
}

// pause puts off the ops that are here: they met a fault.
func (q *queue) pause(delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	until := time.Now().Add(delay)
	for _, o := range q.ops {
		if o.due.Before(until) {
			o.due = until
		}
	}
}

// close refuses further ops.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
