package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Sweep takes what others than self hold: since only one process opens the
// file, they are dead.
func (s *Store) Sweep(ctx context.Context, self string, now time.Time) (host.Swept, error) {
	var swept host.Swept
	err := s.writer.write(ctx, &op{do: func(t *tx) (err error) {
		swept = host.Swept{}
		if swept.Runs, err = sweepRuns(t, self, now); err != nil {
			return err
		}
		if swept.Requeued, err = requeueRuns(t, self, now); err != nil {
			return err
		}
		if swept.Dead, err = buryHookCalls(t, self, now); err != nil {
			return err
		}
		if swept.Calls, err = requeueHookCalls(t, self, now); err != nil {
			return err
		}
		if swept.Requeued+swept.Calls > 0 {
			t.tell(host.SignalWork, "")
		}
		if err := expireCancels(t, now); err != nil {
			return err
		}
		return t.refresh()
	}})
	if err != nil {
		return host.Swept{}, fmt.Errorf("sweep: %w", err)
	}
	return swept, nil
}

const sweptRunsQuery = `SELECT cancel_requested, ` + row.RunColumns + ` FROM runs
	WHERE status IN ('PENDING', 'RUNNING') AND owner > '' AND owner <> ? AND NOT background`

// sweepRuns ends the foreground runs of dead owners.
func sweepRuns(t *tx, self string, now time.Time) (int, error) {
	scan := func(r row.Scanner) (run host.Run, err error) {
		var cancelled bool
		run, err = row.ScanRun(row.Leading(r, &cancelled))
		row.Abandon(&run, cancelled, now)
		return run, err
	}
	runs, err := queryTx(t, scan, sweptRunsQuery, self)
	if err != nil {
		return 0, err
	}
	for _, run := range runs {
		stored, err := newRunRow(&run, host.Lease{})
		if err != nil {
			return 0, err
		}
		if err := stored.finish(t); err != nil {
			return 0, err
		}
	}
	return len(runs), nil
}

const requeueRunsQuery = `UPDATE runs INDEXED BY runs_unfinished SET attempt = attempt + 1, losses = losses + 1,
		owner = '', lease_until = 0, due_at = ?
	WHERE status IN ('PENDING', 'RUNNING') AND owner > '' AND owner <> ? AND background`

// requeueRuns makes the background runs of dead owners due: their workers are lost.
func requeueRuns(t *tx, self string, now time.Time) (int, error) {
	n, err := t.exec(requeueRunsQuery, row.Nanos(now), self)
	return int(n), err
}

const spentCallsQuery = `SELECT ` + hookCallColumns + ` FROM hook_calls
	WHERE status IN ('queued', 'running') AND owner > '' AND owner <> ? AND attempt >= max_attempts`

// buryHookCalls ends the calls of dead owners that have no attempt left.
func buryHookCalls(t *tx, self string, now time.Time) (int, error) {
	calls, err := queryTx(t, scanHookCall, spentCallsQuery, self)
	if err != nil {
		return 0, err
	}
	for _, call := range calls {
		row.Bury(&call, now)
		stored, err := newHookCallRow(call)
		if err != nil {
			return 0, err
		}
		if err := stored.finish(t, call.Fence()); err != nil {
			return 0, err
		}
	}
	return len(calls), nil
}

const requeueQuery = `UPDATE hook_calls SET status = 'queued', attempt = attempt + 1,
		owner = '', lease_until = 0, next_attempt_at = ?
	WHERE status IN ('queued', 'running') AND owner > '' AND owner <> ?`

// requeueHookCalls makes the other calls of dead owners due, for one attempt
// more.
func requeueHookCalls(t *tx, self string, now time.Time) (int, error) {
	n, err := t.exec(requeueQuery, row.Nanos(now), self)
	return int(n), err
}
