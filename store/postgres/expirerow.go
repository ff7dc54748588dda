package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const agedCallsQuery = `SELECT seq, id, status, created_at, finished_at FROM hook_calls
	WHERE seq > $1 ORDER BY seq LIMIT $2`

// dropCallsQuery deletes calls, unless they have been revived meanwhile, and their
// snapshots when no other call needs them.
const dropCallsQuery = `WITH gone AS (
		DELETE FROM hook_calls WHERE id = ANY($1) AND status NOT IN ('queued', 'running') RETURNING id, snapshot_id),
	dropped AS (
		DELETE FROM snapshots AS s WHERE id IN (SELECT snapshot_id FROM gone) AND NOT EXISTS (SELECT FROM hook_calls
			WHERE run_id = s.run_id AND snapshot_id = s.id AND ` + needsSnapshot + `
				AND id NOT IN (SELECT id FROM gone)))
	SELECT count(*) FROM gone`

func (s *Store) expireHookCalls(ctx context.Context, before time.Time) (int, error) {
	return s.expireOld(ctx, agedCallsQuery, row.ScanAgedCall, before, dropCallsQuery)
}

// agedRunsQuery says of a run inside another one that it is not over: it goes with
// its root.
const agedRunsQuery = `SELECT seq, id, coalesce(turn, 0) > 0, created_at, finished_at FROM runs
	WHERE seq > $1 ORDER BY seq LIMIT $2`

// dropRunsQuery deletes runs, those inside them and all they have, unless a call of
// theirs is not final.
const dropRunsQuery = `WITH roots AS (
		DELETE FROM runs WHERE id = ANY($1)
			AND NOT EXISTS (SELECT FROM hook_calls WHERE run_id = runs.id AND ` + notFinal + `)
			AND NOT EXISTS (SELECT FROM run_children AS c JOIN hook_calls AS h ON h.run_id = c.run_id
				WHERE c.root_id = runs.id AND h.` + notFinal + `)
		RETURNING id),
	inside AS (DELETE FROM run_children WHERE root_id IN (SELECT id FROM roots) RETURNING run_id),
	children AS (DELETE FROM runs WHERE id IN (SELECT run_id FROM inside)),
	gone AS (SELECT id FROM roots UNION ALL SELECT run_id FROM inside),
	snapped AS (DELETE FROM snapshots WHERE id IN (
		SELECT snapshot_id FROM hook_calls WHERE run_id IN (SELECT id FROM gone))),
	called AS (DELETE FROM hook_calls WHERE run_id IN (SELECT id FROM gone)),
	judged AS (DELETE FROM evaluations WHERE run_id IN (SELECT id FROM gone)),
	streamed AS (DELETE FROM run_events WHERE run_id IN (SELECT id FROM gone)),
	ended AS (DELETE FROM run_streams WHERE run_id IN (SELECT id FROM gone)),
	named AS (DELETE FROM idempotency_keys WHERE run_id IN (SELECT id FROM gone)),
	cancelled AS (DELETE FROM run_cancels WHERE run_id IN (SELECT id FROM gone))
	SELECT count(*) FROM roots`

func (s *Store) expireRuns(ctx context.Context, before time.Time) (int, error) {
	return s.expireOld(ctx, agedRunsQuery, row.ScanAgedRun, before, dropRunsQuery)
}

const (
	oldLogsQuery = `SELECT id, doc FROM hook_calls WHERE logged AND finished_at < $1 LIMIT $2
		FOR NO KEY UPDATE SKIP LOCKED`
	dropLogsQuery = `UPDATE hook_calls SET logged = FALSE, doc = u.doc
		FROM unnest($1::text[], $2::bytea[]) AS u (id, doc) WHERE hook_calls.id = u.id COLLATE "C"`
)

func (s *Store) expireLogs(ctx context.Context, before time.Time) (int, error) {
	return row.InBatches(expireBatch, func() (n int, err error) {
		err = s.write(ctx, func(ctx context.Context, t *tx) (err error) {
			n, err = dropLogs(ctx, t, before)
			return err
		})
		return n, err
	})
}

// dropLogs takes the logs out of the documents of old calls.
func dropLogs(ctx context.Context, t *tx, before time.Time) (int, error) {
	var ids []string
	var docs [][]byte
	scan := func(r row.Scanner) (struct{}, error) {
		id, doc, err := scanWithoutLogs(r)
		ids, docs = append(ids, id), append(docs, doc)
		return struct{}{}, err
	}
	if _, err := all(ctx, t, scan, oldLogsQuery, row.Nanos(before), expireBatch); err != nil || len(ids) == 0 {
		return 0, err
	}
	return t.exec(ctx, dropLogsQuery, ids, docs)
}

func scanWithoutLogs(r row.Scanner) (id string, doc []byte, err error) {
	var call host.HookCall
	if err := r.Scan(&id, &doc); err != nil {
		return id, nil, err
	}
	if err := json.Unmarshal(doc, &call); err != nil {
		return id, nil, fmt.Errorf("decode hook call: %w", err)
	}
	call.Logs = []host.LogLine{}
	doc, err = row.Encode(call)
	return id, doc, err
}
