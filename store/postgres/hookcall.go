package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const hookCallsQuery = `SELECT ` + hookCallColumns + ` FROM hook_calls
	WHERE run_id = $1 ORDER BY sequence, position, id`

// HookCalls returns the calls of a run in call order.
func (s *Store) HookCalls(ctx context.Context, runID string) ([]host.HookCall, error) {
	calls, err := list(ctx, s, scanHookCall, hookCallsQuery, runID)
	if err != nil {
		return nil, fmt.Errorf("read hook calls: %w", err)
	}
	return calls, nil
}

// StartHookCall marks a queued call running; it is not waited for.
func (s *Store) StartHookCall(_ context.Context, id string, fence int, at time.Time) error {
	if err := s.writer.writeLazily(&op{key: hookCallKey(id), start: &callStart{id, fence, at}}); err != nil {
		return fmt.Errorf("start hook call: %w", err)
	}
	return nil
}

// FinishHookCall stores what the attempt came to and frees the call. The end of a
// call goes along with those of others; one with evaluations goes alone, and a retry
// is handed on.
func (s *Store) FinishHookCall(ctx context.Context, fence int, call host.HookCall) error {
	call.Owner, call.LeaseUntil = "", time.Time{}
	stored, err := newHookCallRow(call)
	if err != nil {
		return fmt.Errorf("finish hook call: %w", err)
	}
	switch {
	case !call.Status.Final():
		err = s.write(ctx, func(ctx context.Context, t *tx) error { return stored.retry(ctx, t, fence) })
	case len(stored.evaluations) > 0:
		err = s.write(ctx, func(ctx context.Context, t *tx) error { return stored.finish(ctx, t, fence) })
	default:
		// Its start is needless now; one that is being written does no harm later.
		if _, _, err = s.writer.queue.tryClaim(hookCallKey(call.ID)); err == nil {
			_, err = s.finisher.do(ctx, call.ID, callFinish{row: stored, attempt: fence})
		}
	}
	if err != nil {
		return fmt.Errorf("finish hook call: %w", err)
	}
	return nil
}

// retry stores a call that is to be made again.
func (r *hookCallRow) retry(ctx context.Context, t *tx, fence int) error {
	if err := r.update(ctx, t, fence); err != nil {
		return err
	}
	t.due(callJob(&r.call))
	return nil
}

// finish stores the end of a call with what it found.
func (r *hookCallRow) finish(ctx context.Context, t *tx, fence int) error {
	snapshots := []string{r.call.SnapshotID}
	if _, err := t.Exec(ctx, holdSnapshotsQuery, snapshots); err != nil {
		return err
	}
	if err := r.update(ctx, t, fence); err != nil {
		return err
	}
	if err := r.replaceEvaluations(ctx, t); err != nil {
		return err
	}
	_, err := t.Exec(ctx, dropSnapshotsQuery, snapshots)
	return err
}

// update stores what an attempt came to.
func (r *hookCallRow) update(ctx context.Context, t *tx, fence int) error {
	var rows finishedCalls
	rows.add(&callFinish{row: *r, attempt: fence})
	n, err := t.exec(ctx, finishCallsQuery, rows.args()...)
	if err == nil && n == 0 {
		err = missingHookCall(ctx, t, r.call.ID)
	}
	return err
}

// ReleaseHookCall makes a leased call due now without costing an attempt. It
// wraps host.ErrStale when the fence is another.
func (s *Store) ReleaseHookCall(ctx context.Context, id string, fence int) error {
	const query = `UPDATE hook_calls SET status = 'queued', releases = releases + 1,
			owner = '', lease_until = 0, next_attempt_at = $1
		WHERE id = $2 AND attempt + releases = $3 AND ` + notFinal + ` RETURNING id, plugin`
	now := row.Nanos(s.now())
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		released, err := all(ctx, t, scanCallJob, query, now, id, fence)
		if err == nil && len(released) == 0 {
			return missingHookCall(ctx, t, id)
		}
		t.due(released...)
		return err
	})
	if err != nil {
		return fmt.Errorf("release hook call: %w", err)
	}
	return nil
}

// scanCallJob reads id and plugin of a call that is due now.
func scanCallJob(r row.Scanner) (host.Job, error) {
	job := host.Job{Kind: host.JobHookCall}
	err := r.Scan(&job.ID, &job.Plugin)
	return job, err
}

// hookCallKey names a call's row to the writer.
func hookCallKey(id string) string { return "hook call " + id }

// holdHookCall keeps the row of a call as it is until the transaction ends. It
// returns host.ErrStale when the fence is another.
func holdHookCall(ctx context.Context, t *tx, id string, fence int) error {
	const query = `SELECT 1 FROM hook_calls WHERE id = $1 AND attempt + releases = $2 AND ` + notFinal + ` FOR NO KEY UPDATE`
	_, err := one(ctx, t, row.Value[int], query, id, fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return missingHookCall(ctx, t, id)
	}
	return err
}

// missingHookCall says why a write met no row: there is none, or the attempt is
// over.
func missingHookCall(ctx context.Context, q querier, id string) error {
	found, err := one(ctx, q, row.Value[bool], `SELECT EXISTS (SELECT FROM hook_calls WHERE id = $1)`, id)
	switch {
	case err != nil:
		return err
	case !found:
		return row.HookCallNotFound(id)
	}
	return host.ErrStale
}
