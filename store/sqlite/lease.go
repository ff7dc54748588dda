package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	restartedMessage  = "The host was restarted before this run had ended. Send the request again."
	workerLostMessage = "the host stopped during the last attempt"
)

const (
	renewRunsQuery  = `UPDATE runs SET lease_until = ? WHERE owner = ? AND status IN ('PENDING', 'RUNNING')`
	renewCallsQuery = `UPDATE hook_calls SET lease_until = ? WHERE owner = ? AND status IN ('queued', 'running')`
)

// RenewLeases extends every lease of the owner.
func (s *Store) RenewLeases(ctx context.Context, lease host.Lease) ([]string, error) {
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		until := nanos(lease.Until)
		if _, err := t.exec(renewRunsQuery, until, lease.Owner); err != nil {
			return err
		}
		_, err := t.exec(renewCallsQuery, until, lease.Owner)
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	return nil, nil
}

// Sweep takes what others than self hold: since only one process opens the
// file, they are dead. Background runs keep their row.
func (s *Store) Sweep(ctx context.Context, self string, now time.Time) (host.Swept, error) {
	var swept host.Swept
	err := s.writer.write(ctx, &op{do: func(t *tx) (err error) {
		swept = host.Swept{}
		if swept.Runs, err = sweepRuns(t, self, now); err != nil {
			return err
		}
		if swept.Dead, err = buryHookCalls(t, self, now); err != nil {
			return err
		}
		swept.Calls, err = requeueHookCalls(t, self, now)
		return err
	}})
	if err != nil {
		return host.Swept{}, fmt.Errorf("sweep: %w", err)
	}
	return swept, nil
}

const sweptRunsQuery = `SELECT ` + runColumns + ` FROM runs
	WHERE status IN ('PENDING', 'RUNNING') AND owner <> ? AND NOT background`

// sweepRuns ends the foreground runs of dead owners.
func sweepRuns(t *tx, self string, now time.Time) (int, error) {
	runs, err := queryTx(t, scanRun, sweptRunsQuery, self)
	if err != nil {
		return 0, err
	}
	for _, run := range runs {
		run.Status = host.RunError
		run.Failure = &host.Failure{Type: host.FailureHostRestarted, Message: restartedMessage}
		run.Content = host.TextContent(restartedMessage)
		run.FinishedAt = now
		row, err := newRunRow(run, host.Lease{})
		if err != nil {
			return 0, err
		}
		if err := row.finish(t); err != nil {
			return 0, err
		}
	}
	return len(runs), nil
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
		call.Status = host.HookCallDead
		call.Error = &host.HookError{Code: host.HookErrorWorkerLost, Message: workerLostMessage}
		call.NextAttemptAt = time.Time{}
		call.FinishedAt = now
		row, err := newHookCallRow(call)
		if err != nil {
			return 0, err
		}
		if err := row.finish(t, call.Attempt); err != nil {
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
	n, err := t.exec(requeueQuery, nanos(now), self)
	return int(n), err
}
