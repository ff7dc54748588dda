package sqlite

import (
	"slices"
	"sync"

	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	// maxBatch bounds the waited ops of one transaction, and so the wait of the
	// first.
	maxBatch = 256
	// maxLazy bounds the lazy ops a broken disk may pile up.
	maxLazy = 8192
	// maxPatient is how many patient ops are company enough.
	maxPatient = 8
)

// queue holds ops in the order they were handed in, for one receiver. It is
// safe for concurrent use.
type queue struct {
	now  chan struct{} // the queue is hurried, or was closed
	soon chan struct{} // an op that has time came into the empty queue

	mu      sync.Mutex
	ops     []*op
	waited  int            // how many of ops somebody waits for
	patient int            // how many of those are patient
	lazy    map[string]*op // the lazy ones by key
	closed  bool
}

func newQueue() *queue {
	return &queue{now: make(chan struct{}, 1), soon: make(chan struct{}, 1), lazy: map[string]*op{}}
}

// put takes an op, or says why not. A waited op replaces the lazy op of its row.
func (q *queue) put(o *op) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return row.ErrClosed
	case o.lazy() && len(q.ops)-q.waited >= maxLazy:
		return row.ErrNotNow
	}
	q.ops = append(q.ops, o)
	if o.lazy() {
		q.register(o)
	} else {
		q.count(o, 1)
		q.replace(o)
	}
	switch {
	case q.hurried():
		signal(q.now)
	case len(q.ops) == 1:
		signal(q.soon)
	}
	return nil
}

// count adds n to the counts of the waited op o.
func (q *queue) count(o *op, n int) {
	q.waited += n
	if o.patient {
		q.patient += n
	}
}

// hurried reports whether an op should be written at once.
func (q *queue) hurried() bool {
	return q.waited > q.patient || q.patient >= maxPatient || q.closed && q.waited > 0
}

// replace makes the lazy op of o's row needless, if it is still here.
func (q *queue) replace(o *op) {
	if l := q.lazy[o.key]; l != nil {
		o.replaces, l.replaced = l, true
		delete(q.lazy, o.key)
	}
}

// register makes a lazy op known by its row. The first of a row stays.
func (q *queue) register(o *op) {
	if o.key != "" && q.lazy[o.key] == nil {
		q.lazy[o.key] = o
	}
}

// signal wakes the receiver unless it is about to wake already.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take removes the next batch: maxBatch waited ops, and the lazy ones before the
// last of them that were not replaced. Those behind it stay a moment longer, since
// the end of a run makes its creation needless; without waited ops all are taken.
func (q *queue) take() []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.remove()
}

// join is take for a transaction that is under way: there must be somebody who
// waits.
func (q *queue) join() []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waited == 0 {
		return nil
	}
	return q.remove()
}

func (q *queue) remove() []*op {
	var batch []*op
	waited := min(q.waited, maxBatch)
	n, alone := 0, waited == 0
	for ; n < len(q.ops) && (waited > 0 || alone); n++ {
		o := q.ops[n]
		if !o.lazy() {
			waited--
			q.count(o, -1)
		}
		if q.lazy[o.key] == o {
			delete(q.lazy, o.key)
		}
		if !o.replaced {
			batch = append(batch, o)
		}
	}
	q.ops = slices.Delete(q.ops, 0, n)
	return batch
}

// putBack returns lazy ops to the head, to be taken once more.
func (q *queue) putBack(ops []*op) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range ops {
		o.replaced = false
		q.register(o)
	}
	q.ops = append(ops, q.ops...)
}

// state says how many ops are here and whether one of them is to be written at
// once.
func (q *queue) state() (ops int, hurried, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ops), q.hurried(), q.closed
}

// close refuses further ops.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	signal(q.now)
}
