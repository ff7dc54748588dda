package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

const (
	// lazyDelay is how long a write that has time waits for company.
	lazyDelay = 5 * time.Millisecond
	// retryDelay is how long a lazy write that met a fault waits for another try.
	retryDelay = 250 * time.Millisecond
)

// writer owns the writing connection. It takes what callers handed in into one
// transaction at a time and answers everybody after the commit.
type writer struct {
	conn  *sql.Conn
	stmts *statements
	queue *queue
	// signals tells of what was committed.
	signals *signals
	log     *slog.Logger
	quiet   time.Duration
	ended   chan struct{}
	memory  *memory
}

func newWriter(conn *sql.Conn, memory *memory, log *slog.Logger, quiet time.Duration) *writer {
	return &writer{
		conn:    conn,
		stmts:   newStatements(conn),
		queue:   newQueue(),
		signals: newSignals(),
		memory:  memory,
		log:     log,
		quiet:   quiet,
		ended:   make(chan struct{}),
	}
}

// writePatiently is write for what can wait a moment for company, so that it
// seldom needs a transaction of its own.
func (w *writer) writePatiently(ctx context.Context, o *op) error {
	o.patient = true
	return w.write(ctx, o)
}

// write hands o in and waits until it is committed or refused, or until ctx
// ends, when o may still be committed.
func (w *writer) write(ctx context.Context, o *op) error {
	o.done = make(chan error, 1)
	if err := ctx.Err(); err != nil {
		return o.refuse(err)
	}
	if err := w.queue.put(o); err != nil {
		return o.refuse(err)
	}
	select {
	case err := <-o.done:
		return explained(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writeLazily hands o in and waits for nothing. The error says that o was not
// taken.
func (w *writer) writeLazily(o *op) error {
	if err := w.queue.put(o); err != nil {
		return o.refuse(err)
	}
	return nil
}

// stop has everything written and waits for run to end.
func (w *writer) stop() error {
	w.queue.close()
	<-w.ended
	return w.stmts.close()
}

// run writes until stop. Lazy and patient ops wait a moment for company, and
// after a quiet while the write-ahead log is emptied.
func (w *writer) run() {
	defer close(w.ended)
	lazy, quiet := stoppedTimer(), stoppedTimer()
	defer lazy.Stop()
	defer quiet.Stop()
	for {
		select {
		case <-w.queue.now:
			if _, hurried, closed := w.queue.state(); !hurried && !closed {
				continue // what it told of is written already
			}
		case <-lazy.C:
		case <-w.queue.soon:
			lazy.Reset(lazyDelay)
			continue
		case <-quiet.C:
			if !w.truncate() {
				quiet.Reset(w.quiet)
			}
			continue
		}
		wrote, again, done := w.drain()
		if done {
			return
		}
		if wrote {
			quiet.Reset(w.quiet)
		}
		if again > 0 {
			lazy.Reset(again)
		}
	}
}

func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// drain writes until nobody is in a hurry. It reports whether anything was
// written, after which time the ops still in the queue want it called again (0
// for none), and whether the queue is closed and done with.
func (w *writer) drain() (wrote bool, again time.Duration, done bool) {
	for {
		ops := w.queue.take()
		kept, committed := w.writeBatch(ops)
		wrote = wrote || committed
		if len(ops) > 1 {
			runtime.Gosched() // the callers just answered come again: let them into the next batch
		}
		fault := firstFault(kept)
		if fault != nil {
			w.log.Error("write again later", "writes", len(kept), "err", fault)
		}
		w.queue.putBack(kept)
		left, hurried, closed := w.queue.state()
		switch {
		case hurried, closed && left > 0 && fault == nil:
			continue
		case closed && left > 0:
			w.log.Error("writes lost at close", "writes", left)
		case fault != nil:
			again = retryDelay
		case left > 0:
			again = lazyDelay
		}
		return wrote, again, closed
	}
}

// firstFault returns what went wrong with ops, nil when they are only to be
// written after all.
func firstFault(ops []*op) error {
	for _, o := range ops {
		if o.err != nil {
			return o.err
		}
	}
	return nil
}

// writeBatch writes ops, and those that come meanwhile, in one transaction and
// answers them. When one of them fails half-way all are taken back and get a
// transaction each, so that it fails alone. It returns the lazy ops to try again.
func (w *writer) writeBatch(ops []*op) (kept []*op, committed bool) {
	if len(ops) == 0 {
		return nil, false
	}
	t, err := w.transact(ops, w.queue.join)
	if err == nil || !t.touched || len(t.ops) == 1 {
		return w.settle(t.ops, err), err == nil && t.wrote
	}
	for _, o := range t.ops {
		alone, err := w.transact([]*op{o}, nobody)
		kept = append(kept, w.settle(alone.ops, err)...)
		committed = committed || err == nil && alone.wrote
	}
	return kept, committed
}

// nobody joins a transaction.
func nobody() []*op { return nil }

// transact runs ops, and those that join them, in a transaction. Its error means
// that nothing was committed; t.touched that an op was the cause. An op that
// refuses before it touched anything leaves the transaction as it was.
func (w *writer) transact(ops []*op, join func() []*op) (*tx, error) {
	t := &tx{stmts: w.stmts, memory: w.memory, ops: ops}
	if err := t.control("BEGIN IMMEDIATE"); err != nil {
		return t, fmt.Errorf("begin: %w", err)
	}
	for i := 0; i < len(t.ops); i++ {
		o := t.ops[i]
		t.touched = false
		t.op, o.signals = o, nil
		if o.err = o.do(t); o.err != nil && t.touched {
			w.rollback(t)
			return t, o.err
		}
		if i == len(t.ops)-1 && i < maxBatch {
			t.ops = append(t.ops, join()...)
		}
	}
	t.touched = false
	if err := t.control("COMMIT"); err != nil {
		w.rollback(t)
		return t, fmt.Errorf("commit: %w", err)
	}
	return t, nil
}

// rollback ends the transaction. SQLite may have ended it already, which is all
// that a failure means.
func (w *writer) rollback(t *tx) {
	if err := t.control("ROLLBACK"); err != nil {
		w.log.Debug("roll back", "err", err)
	}
}

// settle tells everybody what came of the transaction, which ended with err. It
// returns the lazy ops that met a fault or whose replacement did not succeed.
func (w *writer) settle(ops []*op, err error) (kept []*op) {
	for _, o := range ops {
		if o.err == nil {
			o.err = err
		}
		if o.err != nil && o.replaces != nil {
			o.replaces.err = nil
			kept = append(kept, o.replaces)
		}
		if o.lazy() && o.err != nil {
			if !refused(o.err) {
				kept = append(kept, o)
				continue
			}
			w.log.Warn("write refused", "row", o.key, "err", o.err)
		}
		o.settle()
	}
	for _, o := range ops {
		if o.err == nil {
			w.signals.send(o.signals)
		}
		o.answer()
	}
	return kept
}

// truncate empties the write-ahead log, so that deleted data leaves the disk.
// It does not wait for readers, and returns false when one was in the way.
func (w *writer) truncate() bool {
	busy, err := w.checkpoint(context.Background())
	switch {
	case err != nil:
		w.log.Warn("truncate write-ahead log", "err", err)
	case !busy:
		w.log.Debug("write-ahead log truncated")
	}
	return !busy
}

// checkpoint reports whether a reader was in the way. The statements are not
// kept: a pragma may act when it is prepared.
func (w *writer) checkpoint(ctx context.Context) (busy bool, err error) {
	if _, err := w.conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return false, err
	}
	var pages, moved int
	err = w.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	_, restore := w.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout.Milliseconds()))
	return busy, errors.Join(err, restore)
}
