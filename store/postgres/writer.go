package postgres

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// retryDelay is how long ops that met a fault wait for another try.
const retryDelay = 250 * time.Millisecond

// writer writes the ops that gather, many in one transaction.
type writer struct {
	pool    *pgxpool.Pool
	pending *pendingRuns
	queue   *queue
	log     *slog.Logger
	ended   chan struct{}
}

func newWriter(pool *pgxpool.Pool, pending *pendingRuns, log *slog.Logger) *writer {
	return &writer{pool: pool, pending: pending, queue: newQueue(), log: log, ended: make(chan struct{})}
}

// writeLazily hands o in and waits for nothing. The error says that o was not
// taken.
func (w *writer) writeLazily(o *op) error {
	o.due = time.Now().Add(lazyDelay)
	return w.queue.put(o)
}

// flush returns when all that was handed in before is written, or cannot be.
func (w *writer) flush(ctx context.Context) error {
	o, err := w.queue.barrier()
	if o == nil {
		return err
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop has everything written and waits for run to end.
func (w *writer) stop() {
	w.queue.close()
	<-w.ended
}

// run writes until stop.
func (w *writer) run() {
	defer close(w.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, more := w.queue.next(time.Now())
		if !more {
			return
		}
		if wait > 0 {
			timer.Reset(wait)
			select {
			case <-w.queue.wake:
			case <-timer.C:
			}
			continue
		}
		if !w.drain() {
			return
		}
	}
}

// drain writes one batch. After a fault it waits for better times, or gives up
// when the queue is closed, and returns false.
func (w *writer) drain() bool {
	kept := w.settle(w.attempt(w.queue.take(time.Now())))
	if len(kept) == 0 {
		return true
	}
	if w.queue.isClosed() {
		w.log.Error("writes lost at close", "writes", len(kept), "err", kept[0].err)
		return false
	}
	w.log.Error("write again later", "writes", len(kept), "err", kept[0].err)
	w.queue.pause(retryDelay)
	return true
}

// attempt writes ops in one transaction. When it fails for what is in it, each op
// gets a transaction, so that the bad one fails alone.
func (w *writer) attempt(ops []*op) []*op {
	ctx, cancel := bounded(context.Background())
	defer cancel()
	err := w.send(ctx, ops)
	if err == nil || unreachable(err) || len(ops) == 1 {
		for _, o := range ops {
			if err != nil {
				o.err = err
			}
		}
		return ops
	}
	for i, o := range ops {
		o.err = nil
		if err := w.send(ctx, ops[i:i+1]); err != nil {
			o.err = err
		}
	}
	return ops
}

// settle ends what is written or refused, and returns what is to be tried again. A
// barrier answers for those before it.
func (w *writer) settle(ops []*op) (kept []*op) {
	for _, o := range ops {
		switch {
		case o.barrier():
			o.err = nil
			if len(kept) > 0 {
				o.err = row.ErrNotNow
			}
			continue
		case o.err != nil && (unreachable(o.err) || passing(o.err)):
			kept = append(kept, o)
			continue
		case o.err != nil:
			w.log.Warn("write refused", "row", o.key, "err", o.err)
		}
		if o.create != nil {
			w.pending.remove(o.create.Run.ID)
		}
	}
	w.queue.settle(kept)
	for _, o := range ops {
		if o.barrier() {
			o.done <- o.err
		}
	}
	return kept
}

// createLazily makes the run readable and puts its row into the next batch.
func (w *writer) createLazily(n host.NewRun) error {
	if !w.pending.add(n.Run) {
		w.log.Warn("write refused", "row", runKey(n.Run.ID), "err", "a run with this id is under way")
		return nil
	}
	if err := w.writeLazily(&op{key: runKey(n.Run.ID), create: &n}); err != nil {
		w.pending.remove(n.Run.ID)
		return err
	}
	return nil
}
