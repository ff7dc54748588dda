package postgres

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/store/row"
)

// maxGathered bounds the requests of one transaction.
const maxGathered = 64

// courtesy is how often a worker lets others go first: who asks often starts several
// that ask, and all of them are to go along. A timer would take a millisecond.
const courtesy = 3

// request is what somebody asks of a gatherer and waits for. T holds what is asked,
// and gets the answer.
type request[T any] struct {
	key  string
	item T
	err  error
	done chan struct{}
}

// gatherer has the requests of many callers written in few transactions. It is safe
// for concurrent use.
type gatherer[T any] struct {
	// delay is how long a request waits for company, 0 for those who ask at the same
	// moment; most is how many transactions there are at once.
	delay time.Duration
	most  int
	// send writes requests in one transaction, each key once. Its error means that
	// none is answered; a request that was refused has its own.
	send func(ctx context.Context, requests []*request[T]) error

	mu        sync.Mutex
	waiting   []*request[T]
	gathering bool // a worker is about to take what is waiting
	active    int  // how many workers there are
	closed    bool
	workers   sync.WaitGroup
}

// do has item written and returns it with its answer. When ctx ends first it may
// still be written.
func (g *gatherer[T]) do(ctx context.Context, key string, item T) (answer T, err error) {
	if err := ctx.Err(); err != nil {
		return answer, err
	}
	r := &request[T]{key: key, item: item, done: make(chan struct{})}
	if err := g.put(r); err != nil {
		return answer, err
	}
	select {
	case <-r.done:
		return r.item, explained(r.err)
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

func (g *gatherer[T]) put(r *request[T]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return row.ErrClosed
	}
	g.waiting = append(g.waiting, r)
	g.gather()
	return nil
}

// gather has a worker take what is waiting, unless one is about to or all are busy.
// The caller holds the lock.
func (g *gatherer[T]) gather() {
	if len(g.waiting) == 0 || g.gathering || g.active == g.most {
		return
	}
	g.gathering = true
	g.active++
	g.workers.Go(g.work)
}

// stop waits for what was handed in.
func (g *gatherer[T]) stop() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.workers.Wait()
}

// work writes what gathers.
func (g *gatherer[T]) work() {
	g.waitForCompany()
	batch := g.take()
	g.write(batch)
	for _, r := range batch {
		close(r.done)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
	g.gather()
}

func (g *gatherer[T]) waitForCompany() {
	if g.delay > 0 {
		<-time.After(g.delay)
		return
	}
	for range courtesy {
		runtime.Gosched()
	}
}

// take returns the next batch, each key once.
func (g *gatherer[T]) take() []*request[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	var batch, left []*request[T]
	keys := map[string]bool{}
	for _, r := range g.waiting {
		if len(batch) < maxGathered && !keys[r.key] {
			keys[r.key], batch = true, append(batch, r)
			continue
		}
		left = append(left, r)
	}
	g.waiting, g.gathering = left, false
	g.gather()
	return batch
}

// write writes a batch in one transaction. When the database refuses it, and so has
// written nothing, each request gets a transaction, so that the bad one fails alone.
func (g *gatherer[T]) write(batch []*request[T]) {
	ctx, cancel := bounded(context.Background())
	defer cancel()
	err := g.send(ctx, batch)
	alone := len(batch) > 1 && condition(err) != "" && !unreachable(err)
	for i, r := range batch {
		if alone {
			err = g.send(ctx, batch[i:i+1])
		}
		if err != nil {
			r.err = err
		}
	}
}
