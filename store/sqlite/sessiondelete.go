package sqlite

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/store/row"
)

// The queries of a deletion; ?1 is the session.
const (
	sessionRunIDs = `(SELECT id FROM runs WHERE session_id = ?1)`

	unfinishedRunQuery = `SELECT id FROM runs
		WHERE session_id = ?1 AND turn IS NULL AND status IN ('PENDING', 'RUNNING') LIMIT 1`
	openCallQuery = `SELECT id FROM hook_calls
		WHERE seq IN (` + callsOfSession + `) AND status IN ('queued', 'running') LIMIT 1`
)

// sessionDeletes delete everything that belongs to a session, itself last.
func sessionDeletes() []string {
	return []string{
		`DELETE FROM snapshots WHERE id IN (SELECT snapshot_id FROM hook_calls WHERE seq IN (` + callsOfSession + `))`,
		`DELETE FROM hook_calls WHERE seq IN (` + callsOfSession + `)`,
		`DELETE FROM evaluations WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM run_children WHERE root_id IN ` + sessionRunIDs,
		`DELETE FROM run_events WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM run_cancels WHERE run_id IN ` + sessionRunIDs,
		`DELETE FROM runs WHERE session_id = ?1`,
		`DELETE FROM session_usage WHERE session_id = ?1`,
		`DELETE FROM sessions WHERE id = ?1`,
	}
}

// DeleteSessions deletes sessions with all that belongs to them, or none. A run
// that begins meanwhile waits: it must not find what is about to go.
func (s *Store) DeleteSessions(ctx context.Context, ids []string, dropCalls bool) error {
	release, busy := s.pending.hold(ids)
	if busy != nil {
		return fmt.Errorf("delete sessions: %w", row.RunNotEnded(busy.ID, busy.SessionID))
	}
	defer release()
	// Once begun it is seen through: only then is it known when to release.
	err := s.writer.write(context.WithoutCancel(ctx), &op{do: func(t *tx) error {
		for _, id := range ids {
			if err := checkDeletable(t, id, dropCalls); err != nil {
				return err
			}
		}
		for _, id := range ids {
			if err := deleteSession(t, id); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("delete sessions: %w", err)
	}
	return nil
}

func deleteSession(t *tx, id string) error {
	for _, query := range sessionDeletes() {
		if _, err := t.exec(query, id); err != nil {
			return err
		}
	}
	return nil
}

// checkDeletable refuses a session that is still being worked for. A run that
// has not ended would bring it back.
func checkDeletable(t *tx, id string, dropCalls bool) error {
	runs, err := queryTx(t, row.Value[string], unfinishedRunQuery, id)
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		return row.RunNotEnded(runs[0], id)
	}
	if dropCalls {
		return nil
	}
	calls, err := queryTx(t, row.Value[string], openCallQuery, id)
	if err == nil && len(calls) > 0 {
		return row.HookCallOpen(calls[0], id)
	}
	return err
}
