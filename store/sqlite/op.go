package sqlite

import (
	"context"
	"errors"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// op is one write.
type op struct {
	// do runs on the writer's goroutine inside a transaction, and once more when
	// that transaction is repeated. It returns an error to write nothing.
	do func(*tx) error
	// key names the row of a lazy op, and of a waited op that makes it needless.
	key string
	// settled, which may be nil, is told what came of an op that will not be tried
	// again, before anybody is answered.
	settled func(error)
	// done gets the answer; nil for a lazy op, which nobody waits for.
	done chan error
	// patient: somebody waits, but company is worth more than a moment.
	patient bool

	// replaces is the lazy op this one made needless; replaced marks that one.
	replaces *op
	replaced bool
	err      error         // what the last try came to
	signals  []host.Signal // what to tell of it once it is committed
}

func (o *op) lazy() bool { return o.done == nil }

// settle marks the end of an op that will not be tried again.
func (o *op) settle() {
	if o.settled != nil {
		o.settled(o.err)
	}
}

// refuse ends an op that was not taken.
func (o *op) refuse(err error) error {
	o.err = err
	o.settle()
	return err
}

// answer tells the caller, if there is one.
func (o *op) answer() {
	if o.done != nil {
		o.done <- o.err
	}
}

// refused reports an error that says no, as opposed to a fault that may pass.
func refused(err error) bool {
	return errors.Is(err, host.ErrStale) || host.CodeOf(err) != host.CodeInternal
}

// tx is the open transaction of the writing connection, as an op sees it. It
// takes no context: what one caller gives up on, others wait for.
type tx struct {
	stmts *statements
	// touched: the op at hand changed something or met a fault, so its failure
	// needs a rollback. wrote: there is something to commit.
	touched bool
	wrote   bool
	ops     []*op
	op      *op // the op at hand
	memory  *memory
}

// tell has a signal sent when the op at hand is committed.
func (t *tx) tell(kind host.SignalKind, id string) {
	t.op.signals = append(t.op.signals, host.Signal{Kind: kind, ID: id})
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	ctx := context.Background()
	stmt, err := t.stmts.get(ctx, query)
	if err != nil {
		return 0, t.fault(err)
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, t.fault(err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, t.fault(err)
	}
	t.changed(n)
	return n, nil
}

// changed notes that the op at hand changed n rows.
func (t *tx) changed(n int64) {
	if n > 0 {
		t.touched, t.wrote = true, true
	}
}

// fault notes that SQLite may have ended the transaction by itself.
func (t *tx) fault(err error) error {
	t.touched = true
	return err
}

// control begins or ends the transaction.
func (t *tx) control(query string) error {
	ctx := context.Background()
	stmt, err := t.stmts.get(ctx, query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx)
	return err
}

// queryTx returns every row of a query. One that writes (RETURNING) must be
// followed by t.changed.
func queryTx[T any](t *tx, scan func(row.Scanner) (T, error), query string, args ...any) ([]T, error) {
	items, err := all(context.Background(), t.stmts, scan, query, args...)
	if err != nil {
		return nil, t.fault(err)
	}
	return items, nil
}
