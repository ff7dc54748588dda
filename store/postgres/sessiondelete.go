package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/store/row"
)

// The queries of a deletion; $1 is the session.
const (
	sessionRunIDs = `(SELECT id FROM runs WHERE session_id = $1)`

	unfinishedRunQuery = `SELECT id FROM runs
		WHERE session_id = $1 AND turn IS NULL AND ` + notEnded + ` LIMIT 1`
	openCallQuery = `SELECT id FROM hook_calls
		WHERE run_id IN ` + sessionRunIDs + ` AND ` + notFinal + ` LIMIT 1`
)

// sessionDeletes delete everything that belongs to a session, itself last.
func sessionDeletes() []string {
	return []string{
		`DELETE FROM snapshots WHERE id IN (SELECT snapshot_id FROM hook_calls WHERE run_id IN ` + sessionRunIDs + `)`,
		`DELETE FROM hook_calls WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM evaluations WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM run_children WHERE root_id IN ` + sessionRunIDs,
		`DELETE FROM run_events WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM run_streams WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM run_cancels WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM idempotency_keys WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM runs WHERE session_id = $1`,
		`DELETE FROM session_usage WHERE session_id = $1`,
		`DELETE FROM sessions WHERE id = $1`,
	}
}

// DeleteSessions deletes sessions with all that belongs to them, or none. A run
// that begins meanwhile waits to be stored.
func (s *Store) DeleteSessions(ctx context.Context, ids []string, dropCalls bool) error {
	locks := make([]lockName, len(ids))
	for i, id := range ids {
		locks[i] = sessionLock(id)
	}
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		if _, err := t.Exec(ctx, lockQuery, inOrder(locks)); err != nil {
			return err
		}
		for _, id := range ids {
			if err := checkDeletable(ctx, t, id, dropCalls); err != nil {
				return err
			}
		}
		for _, id := range ids {
			if err := deleteSession(ctx, t, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete sessions: %w", err)
	}
	return nil
}

func deleteSession(ctx context.Context, t *tx, id string) error {
	for _, query := range sessionDeletes() {
		if _, err := t.Exec(ctx, query, id); err != nil {
			return err
		}
	}
	return nil
}

// checkDeletable refuses a session that is still being worked for. A run that
// has not ended would bring it back.
func checkDeletable(ctx context.Context, t *tx, id string, dropCalls bool) error {
	switch run, err := one(ctx, t, row.Value[string], unfinishedRunQuery, id); {
	case err == nil:
		return row.RunNotEnded(run, id)
	case !errors.Is(err, pgx.ErrNoRows):
		return err
	case dropCalls:
		return nil
	}
	switch call, err := one(ctx, t, row.Value[string], openCallQuery, id); {
	case err == nil:
		return row.HookCallOpen(call, id)
	case !errors.Is(err, pgx.ErrNoRows):
		return err
	}
	return nil
}
