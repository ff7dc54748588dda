package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// heldByDead chooses the rows of dead owners: $1 is who sweeps, $2 the nodes found
// dead, $3 the time. An owner that is no node lives by the leases of its rows.
const heldByDead = `owner <> $1 AND (owner = ANY($2::text[])
	OR lease_until < $3 AND NOT EXISTS (SELECT FROM nodes WHERE nodes.id = owner))`

const (
	unfinishedRun = `status IN ('PENDING', 'RUNNING') AND owner > ''`
	unfinalCall   = `status IN ('queued', 'running') AND owner > ''`

	// leftQuery looks whether there is anything to take, and forgets the cancels
	// from before $4 whose runs were not created.
	leftQuery = `WITH forgotten AS (DELETE FROM run_cancels WHERE requested_at < $4)
		SELECT EXISTS (SELECT FROM runs WHERE ` + unfinishedRun + ` AND ` + heldByDead + `)
		OR EXISTS (SELECT FROM hook_calls WHERE ` + unfinalCall + ` AND ` + heldByDead + `)`
	sweptRunsQuery = `SELECT cancel_requested, ` + row.RunColumns + ` FROM runs
		WHERE ` + unfinishedRun + ` AND ` + heldByDead + ` AND NOT background`
	requeueRunsQuery = `UPDATE runs SET attempt = attempt + 1, losses = losses + 1, owner = '', lease_until = 0, due_at = $3
		WHERE ` + unfinishedRun + ` AND ` + heldByDead + ` AND background RETURNING id`
	spentCallsQuery = `SELECT ` + hookCallColumns + ` FROM hook_calls
		WHERE ` + unfinalCall + ` AND ` + heldByDead + ` AND attempt >= max_attempts`
	requeueCallsQuery = `UPDATE hook_calls SET status = 'queued', attempt = attempt + 1,
			owner = '', lease_until = 0, next_attempt_at = $3
		WHERE ` + unfinalCall + ` AND ` + heldByDead + ` AND attempt < max_attempts RETURNING id, plugin`
)

// Sweep takes what dead owners hold. Nodes may sweep at once: each row is taken by
// one of them.
func (s *Store) Sweep(ctx context.Context, self string, now time.Time) (host.Swept, error) {
	swept, err := s.sweep(ctx, self, now)
	if err != nil {
		return host.Swept{}, fmt.Errorf("sweep: %w", err)
	}
	return swept, nil
}

func (s *Store) sweep(ctx context.Context, self string, now time.Time) (swept host.Swept, err error) {
	dead, err := s.deadNodes(ctx, self)
	if err != nil {
		return swept, err
	}
	if err := s.writer.flush(ctx); err != nil {
		return swept, err
	}
	left, forgotten := []any{self, dead, row.Nanos(now)}, row.Nanos(now.Add(-row.KeepCancel))
	if found, err := get(ctx, s, row.Value[bool], leftQuery, append(left, forgotten)...); err != nil || !found {
		return swept, err
	}
	if swept.Runs, err = s.sweepRuns(ctx, left, now); err != nil {
		return swept, err
	}
	err = s.transact(ctx, func(ctx context.Context, t *tx) (err error) {
		if swept.Requeued, err = requeue(ctx, t, scanRunJob, requeueRunsQuery, left); err != nil {
			return err
		}
		if swept.Dead, err = buryHookCalls(ctx, t, left, now); err != nil {
			return err
		}
		swept.Calls, err = requeue(ctx, t, scanCallJob, requeueCallsQuery, left)
		return err
	})
	return swept, err
}

// requeue makes rows of dead owners due, for one attempt more.
func requeue(ctx context.Context, t *tx, scan func(row.Scanner) (host.Job, error), query string, left []any) (int, error) {
	jobs, err := all(ctx, t, scan, query, left...)
	t.due(jobs...)
	return len(jobs), err
}

func scanRunJob(r row.Scanner) (host.Job, error) {
	id, err := row.Value[string](r)
	return runJob(id), err
}

// sweepRuns ends the foreground runs of dead owners, each as its owner would. One
// that has ended meanwhile, or was cancelled, is left alone.
func (s *Store) sweepRuns(ctx context.Context, left []any, now time.Time) (int, error) {
	scan := func(r row.Scanner) (run host.Run, err error) {
		var cancelled bool
		run, err = row.ScanRun(row.Leading(r, &cancelled))
		row.Abandon(&run, cancelled, now)
		return run, err
	}
	runs, err := list(ctx, s, scan, sweptRunsQuery, left...)
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, run := range runs {
		f, err := newFinishRows(host.Finish{Run: run})
		if err != nil {
			return ended, err
		}
		switch err := s.finish(ctx, f, nil); {
		case err == nil:
			ended++
		case !errors.Is(err, host.ErrStale) && !errors.Is(err, host.ErrCancelled):
			return ended, err
		}
	}
	return ended, nil
}

// buryHookCalls ends the calls of dead owners that have no attempt left.
func buryHookCalls(ctx context.Context, t *tx, left []any, now time.Time) (int, error) {
	calls, err := all(ctx, t, scanHookCall, spentCallsQuery, left...)
	if err != nil || len(calls) == 0 {
		return 0, err
	}
	var rows finishedCalls
	for _, call := range calls {
		row.Bury(&call, now)
		stored, err := newHookCallRow(call)
		if err != nil {
			return 0, err
		}
		rows.add(&callFinish{row: stored, attempt: call.Fence()})
	}
	return t.exec(ctx, finishCallsQuery, rows.args()...)
}
