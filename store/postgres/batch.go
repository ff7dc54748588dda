package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// send writes ops in one round trip and one transaction. Its error means that
// nothing was written; an op that was refused has its own.
func (w *writer) send(ctx context.Context, ops []*op) error {
	b := &batch{Batch: &pgx.Batch{}, created: map[string]bool{}}
	if err := b.add(ops); err != nil || b.Len() == 0 {
		return err
	}
	if err := w.pool.SendBatch(ctx, b.Batch).Close(); err != nil {
		return err
	}
	for _, o := range ops {
		if o.create != nil && !b.created[o.create.Run.ID] {
			o.err = row.RunExists(o.create.Run.ID)
		}
	}
	return nil
}

// batch is the statements of some ops.
type batch struct {
	*pgx.Batch
	created map[string]bool // the ids of the runs that were inserted
}

// add queues the statements of ops, kind by kind.
func (b *batch) add(ops []*op) error {
	var (
		creates []*host.NewRun
		begins  []*runStart
		starts  []*callStart
	)
	for _, o := range ops {
		switch {
		case o.create != nil:
			creates = append(creates, o.create)
		case o.begin != nil:
			begins = append(begins, o.begin)
		case o.start != nil:
			starts = append(starts, o.start)
		}
	}
	if err := b.addCreates(creates); err != nil {
		return err
	}
	b.addRunStarts(begins)
	b.addCallStarts(starts)
	return nil
}

// addCreates inserts runs in their order. The locks are those of any insert.
func (b *batch) addCreates(creates []*host.NewRun) error {
	if len(creates) == 0 {
		return nil
	}
	var rows runColumnsOf
	var sessions, runs []lockName
	for _, n := range creates {
		stored, err := newRunRow(&n.Run, n.Lease)
		if err != nil {
			return err
		}
		rows.add(&stored)
		sessions, runs = append(sessions, sessionLock(n.Run.SessionID)), append(runs, runLock(n.Run.ID))
	}
	b.Queue(lockQuery, append(inOrder(sessions), inOrder(runs)...))
	b.Queue(insertRunsQuery, rows.args()...).Query(collectInto(b.created))
	return nil
}

func (b *batch) addRunStarts(starts []*runStart) {
	if len(starts) == 0 {
		return
	}
	const query = `UPDATE runs SET status = 'RUNNING'
		FROM unnest($1::text[], $2::int[]) AS u (id, attempt)
		WHERE runs.id = u.id COLLATE "C" AND runs.attempt = u.attempt AND runs.` + notEnded + ` AND runs.status NOT IN ('RUNNING', 'PAUSED')`
	ids, attempts := make([]string, len(starts)), make([]int32, len(starts))
	for i, s := range starts {
		ids[i], attempts[i] = s.id, int32(s.attempt)
	}
	b.Queue(query, ids, attempts)
}

func (b *batch) addCallStarts(starts []*callStart) {
	if len(starts) == 0 {
		return
	}
	// A call that nobody holds is left alone: running it would be stuck.
	const query = `UPDATE hook_calls SET status = 'running', started_at = u.at
		FROM unnest($1::text[], $2::int[], $3::bigint[]) AS u (id, fence, at)
		WHERE hook_calls.id = u.id COLLATE "C" AND hook_calls.attempt + hook_calls.releases = u.fence
			AND hook_calls.` + notFinal + ` AND hook_calls.status <> 'running' AND hook_calls.owner <> ''`
	ids, fences, times := make([]string, len(starts)), make([]int32, len(starts)), make([]int64, len(starts))
	for i, s := range starts {
		ids[i], fences[i], times[i] = s.id, int32(s.fence), row.Nanos(s.at)
	}
	b.Queue(query, ids, fences, times)
}

// collectInto adds the ids of a result to a set.
func collectInto(set map[string]bool) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, id := range ids {
			set[id] = true
		}
		return err
	}
}
