package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// The seqs of the calls of a run, and of a session, which is that of their run.
// What the piece of a run has lost may be another's by now.
const (
	callsOfRun = `SELECT c.seq FROM runs AS r CROSS JOIN hook_calls AS c
		ON c.seq BETWEEN r.first_call AND r.last_call AND c.run_id = r.id WHERE r.id = ?1`
	callsOfSession = `SELECT c.seq FROM runs AS r CROSS JOIN hook_calls AS c
		ON c.seq BETWEEN r.first_call AND r.last_call AND c.session_id = r.session_id WHERE r.session_id = ?1`
)

const hookCallsQuery = `SELECT ` + hookCallColumns + ` FROM hook_calls
	WHERE seq IN (` + callsOfRun + `) ORDER BY sequence, position, id`

// HookCalls returns the calls of a run in call order.
func (s *Store) HookCalls(ctx context.Context, runID string) ([]host.HookCall, error) {
	calls, err := all(ctx, s.read, scanHookCall, hookCallsQuery, runID)
	if err != nil {
		return nil, fmt.Errorf("read hook calls: %w", err)
	}
	return calls, nil
}

// StartHookCall marks a queued call running; it is not waited for.
func (s *Store) StartHookCall(_ context.Context, id string, fence int, at time.Time) error {
	// A call that nobody holds is left alone: running it would be stuck.
	const query = `UPDATE hook_calls SET status = 'running', started_at = ?
		WHERE id = ? AND attempt + releases = ? AND status = 'queued' AND owner <> ''`
	err := s.writer.writeLazily(&op{key: hookCallKey(id), do: func(t *tx) error {
		_, err := t.exec(query, row.Nanos(at), id, fence)
		return err
	}})
	if err != nil {
		return fmt.Errorf("start hook call: %w", err)
	}
	return nil
}

// FinishHookCall stores what the attempt came to and frees the call.
func (s *Store) FinishHookCall(ctx context.Context, fence int, call host.HookCall) error {
	call.Owner, call.LeaseUntil = "", time.Time{}
	stored, err := newHookCallRow(call)
	if err != nil {
		return fmt.Errorf("finish hook call: %w", err)
	}
	// Nobody but a worker waits: what it stores goes along with the next run that
	// ends, or with what other workers store.
	err = s.writer.writePatiently(ctx, &op{key: hookCallKey(call.ID), do: func(t *tx) error {
		return stored.finish(t, fence)
	}})
	if err != nil {
		return fmt.Errorf("finish hook call: %w", err)
	}
	return nil
}

// ReleaseHookCall makes a leased call due now without costing an attempt. It
// wraps host.ErrStale when the fence is another.
func (s *Store) ReleaseHookCall(ctx context.Context, id string, fence int) error {
	const query = `UPDATE hook_calls SET status = 'queued', releases = releases + 1,
			owner = '', lease_until = 0, next_attempt_at = ?
		WHERE id = ? AND attempt + releases = ? AND status IN ('queued', 'running')`
	now := row.Nanos(s.now())
	err := s.writer.write(ctx, &op{key: hookCallKey(id), do: func(t *tx) error {
		n, err := t.exec(query, now, id, fence)
		if err == nil && n == 0 {
			return missingHookCall(t, id)
		}
		t.tell(host.SignalWork, "")
		return err
	}})
	if err != nil {
		return fmt.Errorf("release hook call: %w", err)
	}
	return nil
}

// hookCallKey names a call's row to the writer.
func hookCallKey(id string) string { return "hook call " + id }

// missingHookCall says why a write met no row: there is none, or the fence is
// another.
func missingHookCall(t *tx, id string) error {
	found, err := queryTx(t, row.Value[int], `SELECT 1 FROM hook_calls WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return row.HookCallNotFound(id)
	}
	return host.ErrStale
}
