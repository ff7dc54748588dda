package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// FinishRun stores the run, its session, its hook calls with their snapshots, and
// its last events, in one round trip that is one transaction. What that cannot do
// it leaves alone altogether, and a longer transaction does it: hand on work that
// becomes due, tell who waits, and lay the session's state over another. A run whose
// lazy creation is not written yet is inserted whole, and so is a run inside another
// one, whose root must be there.
func (s *Store) FinishRun(ctx context.Context, finish host.Finish) error {
	f, err := newFinishRows(finish)
	if err != nil {
		return fmt.Errorf("finish run: %w", err)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if s.pending.beside(&finish.Run) { // it may wait for this one, and is to be told; or be its root
		if err := s.writer.flush(ctx); err != nil {
			return fmt.Errorf("finish run: %w", err)
		}
	}
	creation, err := s.writer.queue.claim(ctx, runKey(finish.Run.ID))
	if err != nil {
		return fmt.Errorf("finish run: %w", err)
	}
	if err := s.finish(ctx, f, creation); err != nil {
		if creation != nil {
			s.writer.queue.putBack(creation)
		}
		return fmt.Errorf("finish run: %w", err)
	}
	if creation != nil {
		s.pending.remove(finish.Run.ID)
	}
	return nil
}

// finish stores f. creation is nil for a run that has a row.
func (s *Store) finish(ctx context.Context, f *finishRows, creation *op) error {
	if creation != nil {
		if creation.create.Run.Attempt != f.run.run.Attempt {
			return host.ErrStale
		}
		f.whole = true
	}
	if len(f.due) == 0 {
		done, err := f.send(ctx, s.pool)
		if err == nil && !done {
			err = f.refusal(ctx, s.pool)
		}
		if err != nil || done {
			return explained(err)
		}
	}
	f.thorough = true
	return s.transact(ctx, func(ctx context.Context, t *tx) error { return f.write(ctx, t) })
}

// write is the longer way to store f.
func (f *finishRows) write(ctx context.Context, t *tx) error {
	if err := t.lock(ctx, sessionLock(f.run.run.SessionID)); err != nil {
		return err
	}
	if err := f.rebase(ctx, t); err != nil {
		return err
	}
	done, err := f.send(ctx, t)
	if err == nil && !done {
		err = cmp.Or[error](f.refusal(ctx, t), row.ErrNotNow)
	}
	if err != nil {
		return err
	}
	t.jobs = append(t.jobs, f.due...)
	return f.tellNext(ctx, t)
}

// tellNext tells the session's next run that it need not wait for this one.
func (f *finishRows) tellNext(ctx context.Context, t *tx) error {
	const query = `SELECT id, background AND owner = '' FROM runs AS a
		WHERE ` + waitedFor + ` AND session_id = $1 ORDER BY turn, seq LIMIT 1`
	type next struct {
		id  string
		due bool
	}
	run := f.run.run
	if !run.TopLevel() || run.Parallel {
		return nil
	}
	waiting, err := all(ctx, t, func(r row.Scanner) (n next, err error) {
		err = r.Scan(&n.id, &n.due)
		return n, err
	}, query, run.SessionID)
	if err != nil || len(waiting) == 0 {
		return err
	}
	t.tell(host.SignalSession, run.SessionID)
	if waiting[0].due {
		t.due(runJob(waiting[0].id))
	}
	return nil
}

// send stores f in one round trip, or nothing.
func (f *finishRows) send(ctx context.Context, db interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}) (done bool, err error) {
	b := &pgx.Batch{}
	f.queue(b, &done)
	err = db.SendBatch(ctx, b).Close()
	return done, err
}

// refusal says why nothing was written: nil when the longer way can.
func (f *finishRows) refusal(ctx context.Context, q querier) error {
	run := f.run.run
	if !run.TopLevel() {
		return f.childRefusal(ctx, q)
	}
	cancelled, err := checkRun(ctx, q, fenceQuery, run.ID, run.Attempt)
	switch {
	case f.whole && err == nil:
		return row.RunExists(run.ID)
	case f.whole && host.CodeOf(err) == host.CodeNotFound:
		cancelled, err = one(ctx, q, row.Value[bool], cancelKeptQuery, run.ID)
	}
	if err == nil && cancelled && run.Status != host.RunCancelled {
		return host.ErrCancelled
	}
	return err
}

// rebase holds the session's row and makes f fit the state it has.
func (f *finishRows) rebase(ctx context.Context, t *tx) error {
	if f.session == nil {
		return nil
	}
	const query = `SELECT state FROM sessions WHERE id = $1 FOR NO KEY UPDATE`
	current, err := one(ctx, t, row.Value[[]byte], query, f.session.ID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case bytes.Equal(current, f.before) && (current == nil) == (f.before == nil):
		return nil
	}
	state, err := host.RebaseState(current, f.before, f.session.State)
	if err != nil {
		return err
	}
	// f may be written once more, when this transaction met another.
	session := *f.session
	session.State = state
	f.session, f.before = &session, current
	return nil
}
