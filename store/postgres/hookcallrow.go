package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// hookCallRow is a call as it is stored.
type hookCallRow struct {
	call host.HookCall
	spec []byte // JSON, or nil
	doc  []byte

	evaluations []row.Evaluation
}

func newHookCallRow(call host.HookCall) (hookCallRow, error) {
	doc, err := row.Encode(call)
	if err != nil {
		return hookCallRow{}, fmt.Errorf("encode hook call: %w", err)
	}
	stored := hookCallRow{call: call, doc: doc}
	if stored.evaluations, err = row.NewEvaluations(&call); err != nil {
		return hookCallRow{}, err
	}
	if call.Spec != nil {
		if stored.spec, err = row.Encode(call.Spec); err != nil {
			return hookCallRow{}, fmt.Errorf("encode hook call: %w", err)
		}
	}
	return stored, nil
}

// finishedAt is 0 for a call that is not final, whenever an attempt of it ended.
func (r *hookCallRow) finishedAt() int64 {
	if !r.call.Status.Final() {
		return 0
	}
	return row.Nanos(r.call.FinishedAt)
}

// values are those of insertCallQuery.
func (r *hookCallRow) values() []any {
	c := &r.call
	return []any{
		c.ID, c.RunID, c.SessionID, c.Plugin, c.Digest, c.Hook, string(c.Mode), c.Sequence, c.Position, string(c.Status),
		c.Attempt, c.MaxAttempts, c.Owner, row.Nanos(c.LeaseUntil), row.Nanos(c.NextAttemptAt), row.Nanos(c.CreatedAt),
		row.Nanos(c.StartedAt), r.finishedAt(), row.Logged(c), c.SnapshotID, r.spec, r.doc,
	}
}

// What chooses among calls that are looked for by their ids or their run. It is not
// what an index says, or that might seem the shorter way.
const (
	notFinal      = `status NOT IN ('completed', 'dead', 'cancelled', 'skipped')`
	needsSnapshot = `status NOT IN ('completed', 'cancelled', 'skipped')`
)

// The queries of calls that end. Who ends one of the last calls that need a
// snapshot holds the snapshot first, so that the last of them knows to be it.
const (
	holdSnapshotsQuery = `SELECT 1 FROM snapshots WHERE id = ANY($1) ORDER BY id FOR UPDATE`

	finishCallsQuery = `UPDATE hook_calls AS c SET status = u.status, attempt = u.attempt, owner = '', lease_until = 0,
			next_attempt_at = u.due, started_at = u.started, finished_at = u.finished, logged = u.logged, doc = u.doc
		FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bool[],
			$9::bytea[]) AS u (id, fence, status, attempt, due, started, finished, logged, doc)
		WHERE c.id = u.id COLLATE "C" AND c.attempt + c.releases = u.fence AND c.` + notFinal + `
		RETURNING c.id`

	// dropSnapshotsQuery deletes snapshots unless a call of the run needs them, or
	// would if it were retried.
	dropSnapshotsQuery = `DELETE FROM snapshots AS s WHERE id = ANY($1) AND NOT EXISTS (SELECT FROM hook_calls
			WHERE run_id = s.run_id AND snapshot_id = s.id AND ` + needsSnapshot + `)`
)

// finishedCalls are the columns of finishCallsQuery, one element for each call.
type finishedCalls struct {
	ids, statuses          []string
	fences, attempts       []int32
	due, started, finished []int64
	logged                 []bool
	docs                   [][]byte
}

func (c *finishedCalls) add(f *callFinish) {
	r, call := &f.row, &f.row.call
	c.ids, c.fences = append(c.ids, call.ID), append(c.fences, int32(f.attempt))
	c.statuses, c.attempts = append(c.statuses, string(call.Status)), append(c.attempts, int32(call.Attempt))
	c.due, c.started = append(c.due, row.Nanos(call.NextAttemptAt)), append(c.started, row.Nanos(call.StartedAt))
	c.finished, c.logged = append(c.finished, r.finishedAt()), append(c.logged, row.Logged(call))
	c.docs = append(c.docs, r.doc)
}

func (c *finishedCalls) args() []any {
	return []any{c.ids, c.fences, c.statuses, c.attempts, c.due, c.started, c.finished, c.logged, c.docs}
}

// hookCallColumns is what scanHookCall takes. A lease is renewed in nodes.
const hookCallColumns = `status, attempt, releases, position, owner,
	greatest(lease_until, (SELECT n.lease_until FROM nodes AS n WHERE n.id = owner)),
	next_attempt_at, started_at, snapshot_id, spec, doc`

func scanHookCall(r row.Scanner) (host.HookCall, error) {
	var (
		call                host.HookCall
		columns             host.HookCall
		lease, due, started int64
		spec                []byte
		doc                 []byte
	)
	err := r.Scan(&columns.Status, &columns.Attempt, &columns.Releases, &columns.Position, &columns.Owner, &lease, &due,
		&started, &columns.SnapshotID, &spec, &doc)
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
	call.Owner, call.Releases, call.SnapshotID = columns.Owner, columns.Releases, columns.SnapshotID
	call.LeaseUntil, call.NextAttemptAt, call.StartedAt = row.Time(lease), row.Time(due), row.Time(started)
	return call, nil
}
