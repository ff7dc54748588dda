package row

import (
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// RunColumns are what ScanRun takes. Status and attempt change while the document
// stays.
const RunColumns = `status, attempt, doc`

// ScanRun reads a run.
func ScanRun(r Scanner) (host.Run, error) {
	var (
		run     host.Run
		status  host.RunStatus
		attempt int
		doc     []byte
	)
	if err := r.Scan(&status, &attempt, &doc); err != nil {
		return run, err
	}
	if err := decode(doc, &run, "run"); err != nil {
		return run, err
	}
	run.Status, run.Attempt = status, attempt
	return run, nil
}

// Created returns what may be stored of a run whose hooks have not answered: who
// runs what. A run inside another one is refused; it is stored when it ends.
func Created(run host.Run) (host.Run, error) {
	if !run.TopLevel() {
		return host.Run{}, fmt.Errorf("run %q is inside another one", run.ID)
	}
	return host.Run{
		ID:            run.ID,
		SessionID:     run.SessionID,
		ParentID:      run.ParentID,
		RootID:        run.RootID,
		UserID:        run.UserID,
		Component:     run.Component,
		Status:        run.Status,
		Background:    run.Background,
		Parallel:      run.Parallel,
		Attempt:       run.Attempt,
		Depth:         run.Depth,
		Model:         run.Model,
		ModelProvider: run.ModelProvider,
		CreatedAt:     run.CreatedAt,
	}, nil
}

// CheckFinish refuses an end that is none, and hook calls of another run.
func CheckFinish(finish *host.Finish) error {
	if !finish.Run.Status.Final() {
		return fmt.Errorf("status %s is not final", finish.Run.Status)
	}
	for i := range finish.Calls {
		if call := &finish.Calls[i]; call.RunID != finish.Run.ID {
			return fmt.Errorf("hook call %q is of run %q", call.ID, call.RunID)
		}
	}
	return nil
}

// FenceColumns are what ScanFence takes.
const FenceColumns = `status, attempt, cancel_requested`

// Fence is what decides whether an attempt of a run may still write.
type Fence struct {
	status    host.RunStatus
	attempt   int
	cancelled bool
}

// ScanFence reads the fence of a run.
func ScanFence(r Scanner) (Fence, error) {
	var f Fence
	err := r.Scan(&f.status, &f.attempt, &f.cancelled)
	return f, err
}

// Check returns host.ErrStale when the attempt is over, and whether somebody has
// asked to cancel the run.
func (f Fence) Check(attempt int) (cancelled bool, err error) {
	if f.status.Final() || f.attempt != attempt {
		return false, host.ErrStale
	}
	return f.cancelled, nil
}

// KeepCancel is how long a cancel waits for its run to be created.
const KeepCancel = time.Hour

const restartedMessage = "The host was restarted before this run had ended. Send the request again."

// Abandon ends a run in the foreground whose owner is no more.
func Abandon(run *host.Run, cancelled bool, now time.Time) {
	run.FinishedAt = now
	if cancelled {
		run.Status, run.Content = host.RunCancelled, host.TextContent("Run "+run.ID+" was cancelled")
		return
	}
	run.Status, run.Content = host.RunError, host.TextContent(restartedMessage)
	run.Failure = &host.Failure{Type: host.FailureHostRestarted, Message: restartedMessage}
}
