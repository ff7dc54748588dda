package sqlite

import (
	"context"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// expireBatch bounds the rows one transaction deletes, and so how long it keeps
// others from writing.
const expireBatch = 100

// Expire deletes what ended before the given times, batch by batch.
func (s *Store) Expire(ctx context.Context, before host.Retention) (host.Expired, error) {
	return row.Expiry{
		Runs: s.expireRuns, HookCalls: s.expireHookCalls, Logs: s.expireLogs, Events: s.expireEvents,
	}.Expire(ctx, before)
}

// expireOld deletes what is over among the rows of a query, which takes a place and
// a limit and yields those behind it in their order.
func (s *Store) expireOld(
	ctx context.Context, query string, scan func(row.Scanner) (row.Aged, error), before time.Time,
	drop func(t *tx, id string) (bool, error),
) (int, error) {
	return row.DropOld(before, expireBatch, func(behind int64) ([]row.Aged, error) {
		return all(ctx, s.read, scan, query, behind, expireBatch)
	}, func(ids []string) (int, error) { return s.drop(ctx, ids, drop) })
}

const agedCallsQuery = `SELECT seq, id, status, created_at, finished_at FROM hook_calls WHERE seq > ? ORDER BY seq LIMIT ?`

func (s *Store) expireHookCalls(ctx context.Context, before time.Time) (int, error) {
	return s.expireOld(ctx, agedCallsQuery, row.ScanAgedCall, before, dropHookCall)
}

// drop deletes rows in one transaction and returns how many it found.
func (s *Store) drop(ctx context.Context, ids []string, one func(t *tx, id string) (bool, error)) (int, error) {
	dropped := 0
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		n := 0
		for _, id := range ids {
			found, err := one(t, id)
			if err != nil {
				return err
			}
			if found {
				n++
			}
		}
		dropped = n
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return dropped, nil
}

// dropHookCall deletes a call, unless it has been revived meanwhile, and its
// snapshot when no other call needs it.
func dropHookCall(t *tx, id string) (bool, error) {
	const query = `DELETE FROM hook_calls WHERE id = ? AND status NOT IN ('queued', 'running') RETURNING snapshot_id`
	snapshots, err := queryTx(t, row.Value[string], query, id)
	t.changed(int64(len(snapshots)))
	if err != nil || len(snapshots) == 0 {
		return false, err
	}
	return true, dropSnapshot(t, snapshots[0])
}

// agedRunsQuery says of a run inside another one that it is not over: it goes with
// its root.
const agedRunsQuery = `SELECT seq, id, coalesce(turn, 0) > 0, created_at, finished_at FROM runs
	WHERE seq > ? ORDER BY seq LIMIT ?`

func (s *Store) expireRuns(ctx context.Context, before time.Time) (int, error) {
	return s.expireOld(ctx, agedRunsQuery, row.ScanAgedRun, before, dropRun)
}

// treeQuery finds a run and those inside it.
const treeQuery = `SELECT ?1 UNION ALL SELECT run_id FROM run_children WHERE root_id = ?1`

// dropRun deletes a run, those inside it and all they have, unless a call of theirs
// is not final.
func dropRun(t *tx, id string) (bool, error) {
	runs, err := queryTx(t, row.Value[string], treeQuery, id)
	if err != nil {
		return false, err
	}
	calls, open, err := callsToDrop(t, runs)
	if err != nil || open {
		return false, err
	}
	for _, call := range calls {
		if _, err := dropHookCall(t, call); err != nil {
			return false, err
		}
	}
	if _, err := t.exec(`DELETE FROM run_children WHERE root_id = ?`, id); err != nil {
		return false, err
	}
	dropped := false
	for _, run := range runs {
		if dropped, err = dropRunRows(t, run); err != nil {
			return false, err
		}
	}
	return dropped, nil
}

const callsToDropQuery = `SELECT id, status FROM hook_calls WHERE seq IN (` + callsOfRun + `)`

// callsToDrop returns the ids of the calls of runs, and whether one is not final.
func callsToDrop(t *tx, runs []string) (calls []string, open bool, err error) {
	scan := func(r row.Scanner) (id string, err error) {
		var status host.HookCallStatus
		err = r.Scan(&id, &status)
		open = open || !status.Final()
		return id, err
	}
	for _, run := range runs {
		of, err := queryTx(t, scan, callsToDropQuery, run)
		if err != nil {
			return nil, false, err
		}
		calls = append(calls, of...)
	}
	return calls, open, nil
}

// dropRunRows deletes what is left of a run, and reports whether there was any.
func dropRunRows(t *tx, id string) (bool, error) {
	for _, query := range []string{
		`DELETE FROM evaluations WHERE run_id = ?`,
		`DELETE FROM run_events WHERE run_id = ?`,
		`DELETE FROM run_cancels WHERE run_id = ?`,
	} {
		if _, err := t.exec(query, id); err != nil {
			return false, err
		}
	}
	n, err := t.exec(`DELETE FROM runs WHERE id = ?`, id)
	return n > 0, err
}

const expireLogsQuery = `UPDATE hook_calls SET logged = 0, result = json_set(result, '$.logs', json('[]'))
	WHERE id IN (SELECT id FROM hook_calls WHERE logged AND finished_at < ? LIMIT ?)`

func (s *Store) expireLogs(ctx context.Context, before time.Time) (int, error) {
	return row.InBatches(expireBatch, func() (int, error) {
		var n int64
		err := s.writer.write(ctx, &op{do: func(t *tx) (err error) {
			n, err = t.exec(expireLogsQuery, row.Nanos(before), expireBatch)
			return err
		}})
		if err != nil {
			return 0, err // the writer may not be done with n
		}
		return int(n), nil
	})
}
