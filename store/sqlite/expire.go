package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// expireBatch bounds the rows one transaction deletes, and so how long it keeps
// others from writing.
const expireBatch = 100

// Expire deletes what ended before the given times, batch by batch.
func (s *Store) Expire(ctx context.Context, before host.Retention) (host.Expired, error) {
	var gone host.Expired
	for _, step := range []struct {
		name   string
		before time.Time
		expire func(context.Context, time.Time) (int, error)
		count  *int
	}{
		{"runs", before.Runs, s.expireRuns, &gone.Runs},
		{"hook calls", before.HookCalls, s.expireHookCalls, &gone.HookCalls},
		{"logs", before.Logs, s.expireLogs, &gone.Logs},
		{"events", before.Events, s.expireEvents, new(int)},
	} {
		if step.before.IsZero() {
			continue
		}
		var err error
		if *step.count, err = step.expire(ctx, step.before); err != nil {
			return gone, fmt.Errorf("expire %s: %w", step.name, err)
		}
	}
	return gone, nil
}

// aged is a row on the way from the oldest to the youngest.
type aged struct {
	seq      int64
	id       string
	final    bool
	created  time.Time
	finished time.Time
}

// expireOld walks over the rows of a query, which takes a place and a limit and
// yields those behind it in their order, up to the first that was created after
// before. It hands the ids of what is over to drop, which says how many it took.
func (s *Store) expireOld(
	ctx context.Context, query string, scan func(row.Scanner) (aged, error), before time.Time,
	drop func(ctx context.Context, ids []string) (int, error),
) (int, error) {
	total, behind := 0, int64(0)
	for {
		rows, err := all(ctx, s.read, scan, query, behind, expireBatch)
		if err != nil {
			return total, err
		}
		ids, young := over(rows, before)
		if len(ids) > 0 {
			n, err := drop(ctx, ids)
			total += n
			if err != nil {
				return total, err
			}
		}
		if young || len(rows) < expireBatch {
			return total, nil
		}
		behind = rows[len(rows)-1].seq
	}
}

// over returns the ids of the rows that ended before a time, up to the first
// that was created later, and whether there was one.
func over(rows []aged, before time.Time) (ids []string, young bool) {
	for _, r := range rows {
		if !r.created.Before(before) {
			return ids, true
		}
		if r.final && r.finished.Before(before) {
			ids = append(ids, r.id)
		}
	}
	return ids, false
}

const agedCallsQuery = `SELECT seq, id, status, created_at, finished_at FROM hook_calls WHERE seq > ? ORDER BY seq LIMIT ?`

func (s *Store) expireHookCalls(ctx context.Context, before time.Time) (int, error) {
	scan := func(r row.Scanner) (a aged, err error) {
		var status host.HookCallStatus
		var created, finished int64
		err = r.Scan(&a.seq, &a.id, &status, &created, &finished)
		a.final, a.created, a.finished = status.Final(), row.Time(created), row.Time(finished)
		return a, err
	}
	return s.expireOld(ctx, agedCallsQuery, scan, before, func(ctx context.Context, ids []string) (int, error) {
		return s.drop(ctx, ids, dropHookCall)
	})
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
	scan := func(r row.Scanner) (a aged, err error) {
		var created, finished int64
		err = r.Scan(&a.seq, &a.id, &a.final, &created, &finished)
		a.final, a.created, a.finished = a.final && finished != 0, row.Time(created), row.Time(finished)
		return a, err
	}
	return s.expireOld(ctx, agedRunsQuery, scan, before, func(ctx context.Context, ids []string) (int, error) {
		return s.drop(ctx, ids, dropRun)
	})
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
	for total := 0; ; {
		var n int64
		err := s.writer.write(ctx, &op{do: func(t *tx) (err error) {
			n, err = t.exec(expireLogsQuery, row.Nanos(before), expireBatch)
			return err
		}})
		if err != nil {
			return total, err
		}
		total += int(n)
		if n < expireBatch {
			return total, nil
		}
	}
}
