package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

const hookCallsQuery = `SELECT ` + hookCallColumns + ` FROM hook_calls
	WHERE run_id = ? ORDER BY sequence, position, id`

// HookCalls returns the calls of a run in call order.
func (s *Store) HookCalls(ctx context.Context, runID string) ([]host.HookCall, error) {
	calls, err := all(ctx, s.read, scanHookCall, hookCallsQuery, runID)
	if err != nil {
		return nil, fmt.Errorf("read hook calls: %w", err)
	}
	return calls, nil
}

// StartHookCall marks a queued call running; it is not waited for.
func (s *Store) StartHookCall(_ context.Context, id string, attempt int, at time.Time) error {
	// A call that nobody holds is left alone: running it would be stuck.
	const query = `UPDATE hook_calls SET status = 'running', started_at = ?
		WHERE id = ? AND attempt = ? AND status = 'queued' AND owner <> ''`
	err := s.writer.writeLazily(&op{key: hookCallKey(id), do: func(t *tx) error {
		_, err := t.exec(query, nanos(at), id, attempt)
		return err
	}})
	if err != nil {
		return fmt.Errorf("start hook call: %w", err)
	}
	return nil
}

// FinishHookCall stores what the attempt came to and frees the call.
func (s *Store) FinishHookCall(ctx context.Context, attempt int, call host.HookCall) error {
	call.Owner, call.LeaseUntil = "", time.Time{}
	row, err := newHookCallRow(call)
	if err != nil {
		return fmt.Errorf("finish hook call: %w", err)
	}
	// Nobody but a worker waits: what it stores goes along with the next run that
	// ends, or with what other workers store.
	err = s.writer.writePatiently(ctx, &op{key: hookCallKey(call.ID), do: func(t *tx) error {
		return row.finish(t, attempt)
	}})
	if err != nil {
		return fmt.Errorf("finish hook call: %w", err)
	}
	return nil
}

// ReleaseHookCall makes a leased call due now without costing an attempt. It
// wraps host.ErrStale when the attempt is over.
func (s *Store) ReleaseHookCall(ctx context.Context, id string, attempt int) error {
	const query = `UPDATE hook_calls SET status = 'queued', owner = '', lease_until = 0, next_attempt_at = ?
		WHERE id = ? AND attempt = ? AND status IN ('queued', 'running')`
	now := nanos(s.now())
	err := s.writer.write(ctx, &op{key: hookCallKey(id), do: func(t *tx) error {
		n, err := t.exec(query, now, id, attempt)
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

// hookCallRow is a call as it is stored.
type hookCallRow struct {
	call host.HookCall
	spec any // JSON, or nil
	doc  string
}

func newHookCallRow(call host.HookCall) (hookCallRow, error) {
	doc, err := encode(call)
	if err != nil {
		return hookCallRow{}, fmt.Errorf("encode hook call: %w", err)
	}
	row := hookCallRow{call: call, doc: doc}
	if call.Spec != nil {
		if row.spec, err = encode(call.Spec); err != nil {
			return hookCallRow{}, fmt.Errorf("encode hook call: %w", err)
		}
	}
	return row, nil
}

func (r hookCallRow) insert(t *tx) error {
	const query = `INSERT INTO hook_calls (id, run_id, session_id, plugin, hook, mode, sequence, position, status,
			attempt, max_attempts, owner, lease_until, next_attempt_at, created_at, started_at, finished_at, logged,
			snapshot_id, spec, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	c := &r.call
	_, err := t.exec(query, c.ID, c.RunID, c.SessionID, c.Plugin, c.Hook, c.Mode, c.Sequence, c.Position, c.Status,
		c.Attempt, c.MaxAttempts, c.Owner, nanos(c.LeaseUntil), nanos(c.NextAttemptAt), nanos(c.CreatedAt),
		nanos(c.StartedAt), r.finishedAt(), r.logged(), c.SnapshotID, r.spec, r.doc)
	if c.Owner == "" && !c.Status.Final() {
		t.tell(host.SignalWork, "")
	}
	return err
}

// finishedAt is 0 for a call that is not final, whenever an attempt of it ended.
func (r hookCallRow) finishedAt() int64 {
	if !r.call.Status.Final() {
		return 0
	}
	return nanos(r.call.FinishedAt)
}

// logged reports whether the row holds logs that grow old.
func (r hookCallRow) logged() bool { return r.call.Status.Final() && len(r.call.Logs) > 0 }

// finish replaces what an attempt may change of the call, and deletes the
// snapshot with the last call that needs it.
func (r hookCallRow) finish(t *tx, attempt int) error {
	const query = `UPDATE hook_calls SET status = ?, attempt = ?, owner = '', lease_until = 0,
			next_attempt_at = ?, started_at = ?, finished_at = ?, logged = ?, doc = ?
		WHERE id = ? AND attempt = ? AND status IN ('queued', 'running')
		RETURNING snapshot_id`
	c := &r.call
	snapshots, err := queryTx(t, value[string], query, c.Status, c.Attempt, nanos(c.NextAttemptAt),
		nanos(c.StartedAt), r.finishedAt(), r.logged(), r.doc, c.ID, attempt)
	t.changed(int64(len(snapshots)))
	switch {
	case err != nil:
		return err
	case len(snapshots) == 0:
		return missingHookCall(t, c.ID)
	case !c.Status.Final():
		t.tell(host.SignalWork, "") // now, or when its time has come
		return nil
	}
	return dropSnapshot(t, snapshots[0])
}

// missingHookCall says why a write met no row: there is none, or the attempt is
// over.
func missingHookCall(t *tx, id string) error {
	found, err := queryTx(t, value[int], `SELECT 1 FROM hook_calls WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return host.Errorf(host.CodeNotFound, "hook call %q not found", id)
	}
	return host.ErrStale
}

const hookCallColumns = `status, attempt, position, owner, lease_until, next_attempt_at, started_at, snapshot_id, spec, doc`

func scanHookCall(row scanner) (host.HookCall, error) {
	var (
		call                host.HookCall
		columns             host.HookCall
		lease, due, started int64
		spec                []byte
		doc                 []byte
	)
	err := row.Scan(&columns.Status, &columns.Attempt, &columns.Position, &columns.Owner, &lease, &due, &started,
		&columns.SnapshotID, &spec, &doc)
	if err != nil {
		return call, err
	}
	if err := json.Unmarshal(doc, &call); err != nil {
		return call, fmt.Errorf("decode hook call: %w", err)
	}
	if spec != nil {
		if err := json.Unmarshal(spec, &call.Spec); err != nil {
			return call, fmt.Errorf("decode hook call: %w", err)
		}
	}
	call.Status, call.Attempt, call.Position = columns.Status, columns.Attempt, columns.Position
	call.Owner, call.SnapshotID = columns.Owner, columns.SnapshotID
	call.LeaseUntil, call.NextAttemptAt, call.StartedAt = timeOf(lease), timeOf(due), timeOf(started)
	return call, nil
}
