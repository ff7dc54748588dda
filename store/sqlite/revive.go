package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// RetryHookCall revives a dead call.
func (s *Store) RetryHookCall(ctx context.Context, id string, now time.Time) (host.HookCall, error) {
	var call host.HookCall
	err := s.writer.write(ctx, &op{do: func(t *tx) (err error) {
		if call, err = deadHookCall(t, id); err != nil {
			return err
		}
		call.Revive(now)
		return reviveHookCall(t, call)
	}})
	if err != nil {
		return host.HookCall{}, fmt.Errorf("retry hook call: %w", err)
	}
	return call, nil
}

// deadHookCall returns a call that may be revived, or says why it may not.
func deadHookCall(t *tx, id string) (host.HookCall, error) {
	calls, err := queryTx(t, scanHookCall, `SELECT `+hookCallColumns+` FROM hook_calls WHERE id = ?`, id)
	switch {
	case err != nil:
		return host.HookCall{}, err
	case len(calls) == 0:
		return host.HookCall{}, row.HookCallNotFound(id)
	case calls[0].Status != host.HookCallDead:
		return host.HookCall{}, row.HookCallNotDead(calls[0].Status)
	}
	snapshots, err := queryTx(t, row.Value[int], `SELECT 1 FROM snapshots WHERE id = ?`, calls[0].SnapshotID)
	if err == nil && len(snapshots) == 0 {
		err = row.ErrContextGone
	}
	return calls[0], err
}

func reviveHookCall(t *tx, call host.HookCall) error {
	const query = `UPDATE hook_calls SET status = ?, attempt = ?, max_attempts = ?, next_attempt_at = ?,
		started_at = 0, finished_at = 0, logged = 0, result = ? WHERE id = ?`
	stored, err := newHookCallRow(call)
	if err != nil {
		return err
	}
	t.tell(host.SignalWork, "")
	_, err = t.exec(query, call.Status, call.Attempt, call.MaxAttempts, row.Nanos(call.NextAttemptAt), stored.result, call.ID)
	return err
}

// reviveBatch bounds how many calls one transaction revives.
const reviveBatch = 100

// RetryHookCalls revives up to limit of the dead calls the filter chooses.
func (s *Store) RetryHookCalls(ctx context.Context, filter host.HookCallFilter, now time.Time, limit int) (int, error) {
	revived, err := row.UpTo(limit, reviveBatch, func(n int) (int, error) { return s.retryBatch(ctx, filter, now, n) })
	if err != nil {
		return revived, fmt.Errorf("retry hook calls: %w", err)
	}
	return revived, nil
}

func (s *Store) retryBatch(ctx context.Context, filter host.HookCallFilter, now time.Time, limit int) (int, error) {
	filter.Status = host.HookCallDead
	q := newCallQuery(filter)
	query := q.union(hookCallColumns) +
		` AND EXISTS (SELECT 1 FROM snapshots WHERE id = hook_calls.snapshot_id) ORDER BY seq LIMIT ?`
	revived := 0
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		calls, err := queryTx(t, scanHookCall, query, append(q.args, limit)...)
		if err != nil {
			return err
		}
		for _, call := range calls {
			call.Revive(now)
			if err := reviveHookCall(t, call); err != nil {
				return err
			}
		}
		revived = len(calls)
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return revived, nil
}
