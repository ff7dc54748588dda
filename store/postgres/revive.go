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

// RetryHookCall revives a dead call.
func (s *Store) RetryHookCall(ctx context.Context, id string, now time.Time) (host.HookCall, error) {
	var call host.HookCall
	err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		if call, err = deadHookCall(ctx, t, id); err != nil {
			return err
		}
		call.Revive(now)
		return reviveHookCall(ctx, t, call)
	})
	if err != nil {
		return host.HookCall{}, fmt.Errorf("retry hook call: %w", err)
	}
	return call, nil
}

// deadHookCall returns a call that may be revived, or says why it may not.
func deadHookCall(ctx context.Context, t *tx, id string) (host.HookCall, error) {
	const query = `SELECT ` + hookCallColumns + ` FROM hook_calls WHERE id = $1 FOR NO KEY UPDATE`
	call, err := one(ctx, t, scanHookCall, query, id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return call, row.HookCallNotFound(id)
	case err != nil:
		return call, err
	case call.Status != host.HookCallDead:
		return call, row.HookCallNotDead(call.Status)
	}
	kept, err := one(ctx, t, row.Value[bool], `SELECT EXISTS (SELECT FROM snapshots WHERE id = $1)`, call.SnapshotID)
	if err == nil && !kept {
		err = row.ErrContextGone
	}
	return call, err
}

func reviveHookCall(ctx context.Context, t *tx, call host.HookCall) error {
	const query = `UPDATE hook_calls SET status = $1, attempt = $2, max_attempts = $3, next_attempt_at = $4,
		started_at = 0, finished_at = 0, logged = FALSE, doc = $5 WHERE id = $6`
	stored, err := newHookCallRow(call)
	if err != nil {
		return err
	}
	t.due(callJob(&call))
	_, err = t.Exec(ctx, query, string(call.Status), call.Attempt, call.MaxAttempts, row.Nanos(call.NextAttemptAt),
		stored.doc, call.ID)
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
	chosen, args := chosenBy(filter)
	query := fmt.Sprintf(`SELECT %s%s AND EXISTS (SELECT FROM snapshots WHERE id = hook_calls.snapshot_id)
		ORDER BY seq LIMIT $%d FOR NO KEY UPDATE SKIP LOCKED`, hookCallColumns, chosen, len(args)+1)
	revived := 0
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		calls, err := all(ctx, t, scanHookCall, query, append(args, limit)...)
		if err != nil {
			return err
		}
		for _, call := range calls {
			call.Revive(now)
			if err := reviveHookCall(ctx, t, call); err != nil {
				return err
			}
		}
		revived = len(calls)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return revived, nil
}
