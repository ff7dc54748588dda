package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/row"
)

// hookCallRow is a call as it is stored.
type hookCallRow struct {
	call         host.HookCall
	seq          int64 // of a row that is to be inserted
	spec, result string
	evaluations  []row.Evaluation
}

// hookCallSpec is what no column has of what is fixed when a call is stored.
type hookCallSpec struct {
	Component      host.Component     `json:"component"`
	Version        string             `json:"version"`
	Digest         string             `json:"digest"`
	Point          pluginapi.Point    `json:"point"`
	Guardrail      bool               `json:"guardrail,omitempty"`
	IdempotencyKey string             `json:"idempotency_key,omitempty"`
	Spec           *host.HookCallSpec `json:"spec,omitempty"`
}

// hookCallResult is what no column has of what a call came to.
type hookCallResult struct {
	Outcome    host.HookOutcome    `json:"outcome,omitempty"`
	Decision   pluginapi.Decision  `json:"decision,omitempty"`
	Reason     string              `json:"reason,omitempty"`
	Message    string              `json:"message,omitempty"`
	Warnings   []pluginapi.Warning `json:"warnings,omitzero"`
	DurationMS float64             `json:"duration_ms,omitempty"`
	Logs       []host.LogLine      `json:"logs,omitzero"`
	Error      *host.HookError     `json:"error,omitempty"`
}

// newHookCallRow encodes what may change of a call.
func newHookCallRow(call host.HookCall) (hookCallRow, error) {
	result, err := encode(hookCallResult{
		Outcome: call.Outcome, Decision: call.Decision, Reason: call.Reason, Message: call.Message,
		Warnings: call.Warnings, DurationMS: call.DurationMS, Logs: call.Logs, Error: call.Error,
	})
	if err != nil {
		return hookCallRow{}, fmt.Errorf("encode hook call: %w", err)
	}
	evaluations, err := row.NewEvaluations(&call)
	if err != nil {
		return hookCallRow{}, err
	}
	return hookCallRow{call: call, result: result, evaluations: evaluations}, nil
}

// encodeSpec encodes the rest, for a row that is to be inserted.
func (r *hookCallRow) encodeSpec() error {
	c := &r.call
	spec, err := encode(hookCallSpec{
		Component: c.Component, Version: c.Version, Digest: c.Digest, Point: c.Point, Guardrail: c.Guardrail,
		IdempotencyKey: c.IdempotencyKey, Spec: c.Spec,
	})
	if err != nil {
		return fmt.Errorf("encode hook call: %w", err)
	}
	r.spec = spec
	return nil
}

func (r *hookCallRow) insert(t *tx) error {
	const query = `INSERT INTO hook_calls (seq, id, run_id, session_id, plugin, hook, mode, sequence, position, status,
			attempt, max_attempts, owner, lease_until, next_attempt_at, created_at, started_at, finished_at, logged,
			snapshot_id, spec, result)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	c := &r.call
	_, err := t.exec(query, r.seq, c.ID, c.RunID, c.SessionID, c.Plugin, c.Hook, c.Mode, c.Sequence, c.Position, c.Status,
		c.Attempt, c.MaxAttempts, c.Owner, row.Nanos(c.LeaseUntil), row.Nanos(c.NextAttemptAt), row.Nanos(c.CreatedAt),
		row.Nanos(c.StartedAt), row.Nanos(c.FinishedAt), row.Logged(c), c.SnapshotID, r.spec, r.result)
	if c.Owner == "" && !c.Status.Final() {
		t.tell(host.SignalWork, "")
	}
	if err != nil {
		return err
	}
	return insertEvaluations(t, r.evaluations)
}

// finish replaces what an attempt may change of the call, stores what it found, and
// deletes the snapshot with the last call that needs it.
func (r *hookCallRow) finish(t *tx, fence int) error {
	const query = `UPDATE hook_calls SET status = ?, attempt = ?, owner = '', lease_until = 0,
			next_attempt_at = ?, started_at = ?, finished_at = ?, logged = ?, result = ?
		WHERE id = ? AND attempt + releases = ? AND status IN ('queued', 'running')
		RETURNING snapshot_id`
	c := &r.call
	snapshots, err := queryTx(t, row.Value[string], query, c.Status, c.Attempt, row.Nanos(c.NextAttemptAt),
		row.Nanos(c.StartedAt), row.Nanos(c.FinishedAt), row.Logged(c), r.result, c.ID, fence)
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
	if err := r.replaceEvaluations(t); err != nil {
		return err
	}
	return dropSnapshot(t, snapshots[0])
}

const hookCallColumns = `id, run_id, session_id, plugin, hook, mode, sequence, position, status, attempt, releases, max_attempts,
	owner, lease_until, next_attempt_at, created_at, started_at, finished_at, snapshot_id, spec, result`

func scanHookCall(r row.Scanner) (call host.HookCall, err error) {
	var lease, due, created, started, finished int64
	var spec, result []byte
	err = r.Scan(&call.ID, &call.RunID, &call.SessionID, &call.Plugin, &call.Hook, &call.Mode, &call.Sequence,
		&call.Position, &call.Status, &call.Attempt, &call.Releases, &call.MaxAttempts, &call.Owner, &lease, &due, &created,
		&started, &finished, &call.SnapshotID, &spec, &result)
	if err != nil {
		return call, err
	}
	call.LeaseUntil, call.NextAttemptAt, call.CreatedAt = row.Time(lease), row.Time(due), row.Time(created)
	call.StartedAt, call.FinishedAt = row.Time(started), row.Time(finished)
	return call, decodeHookCall(&call, spec, result)
}

// decodeHookCall adds what no column has.
func decodeHookCall(call *host.HookCall, spec, result []byte) error {
	var s hookCallSpec
	if err := json.Unmarshal(spec, &s); err != nil {
		return fmt.Errorf("decode hook call: %w", err)
	}
	var r hookCallResult
	if err := json.Unmarshal(result, &r); err != nil {
		return fmt.Errorf("decode hook call: %w", err)
	}
	call.Component, call.Version, call.Digest, call.Point = s.Component, s.Version, s.Digest, s.Point
	call.Guardrail, call.IdempotencyKey, call.Spec = s.Guardrail, s.IdempotencyKey, s.Spec
	call.Outcome, call.Decision, call.Reason, call.Message = r.Outcome, r.Decision, r.Reason, r.Message
	call.Warnings, call.DurationMS, call.Logs, call.Error = r.Warnings, r.DurationMS, r.Logs, r.Error
	return nil
}
