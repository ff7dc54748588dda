package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/snaphook-dev/snaphook/host"
)

// Work carries out a background run that this node has claimed: from its
// checkpoint, or from its request. It returns nil when the run has ended, or is
// another attempt's. An error means that it is to be given back: ctx has ended, the
// store failed, or it says that the attempt is over and it is not; the next worker
// goes on from the last checkpoint.
func (e *Engine) Work(ctx context.Context, work host.RunWork) error {
	worker := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x, cause := e.takeUp(work, cancel)
	e.live.enter(x)
	defer e.live.leave(x)
	x.tree.journal = x.openJournal(ctx, work.NextEvent)
	x.observer.RunStarted(x.run.Component)
	defer x.ended()
	err := x.carryOut(ctx, worker, cause)
	if err == nil {
		return nil
	}
	x.run.Status = host.RunRunning
	x.tree.journal.close()
	if errors.Is(err, host.ErrStale) && !x.stillHeld(ctx) {
		x.log.Info("the run is another attempt's", "run_id", x.run.ID, "attempt", x.run.Attempt, "error", err)
		return nil
	}
	return errors.Join(err, x.tree.journal.flush(context.WithoutCancel(ctx)))
}

// stillHeld reports whether the run may still be this attempt's: its lease would be
// renewed, though nobody works on it.
func (x *execution) stillHeld(ctx context.Context) bool {
	row, err := x.store.Run(context.WithoutCancel(ctx), x.run.ID)
	if err != nil {
		return host.CodeOf(err) != host.CodeNotFound
	}
	return !row.Status.Final() && row.Attempt == x.run.Attempt
}

// takeUp makes an execution of claimed work. The cause is why it is over before
// it begins.
func (e *Engine) takeUp(work host.RunWork, cancel context.CancelCauseFunc) (*execution, error) {
	req, from, err := unpack(&work)
	s, unknown := e.lookup(work.Run.Component.Scope())
	if unknown != nil {
		s = &subject{component: work.Run.Component, agent: &host.Agent{ID: work.Run.Component.ID}}
	}
	x := e.newExecution(s, req, work.Run, cancel)
	if from != nil {
		x.resume(from)
	}
	switch {
	case work.CancelRequested:
		x.opened = false // no hook is called any more
		return x, errCancelled
	case err != nil:
		return x, err
	case work.Lost >= e.bounds.attempts:
		x.opened = x.opened && work.Lost == e.bounds.attempts // a hook may be what kills the workers
		return x, &fault{host.Failure{
			Type: host.FailureWorkerLost, Message: fmt.Sprintf("The run was given up: its worker was lost %d times.", work.Lost),
		}}
	case unknown != nil:
		return x, &fault{host.Failure{
			Type: failureRun, Message: fmt.Sprintf("The node that took the run has no %s %q.", s.component.Kind, s.component.ID),
		}}
	}
	return x, nil
}

// unpack reads what a claimed run was asked and what it goes on from, nil for its
// beginning.
func unpack(work *host.RunWork) (host.RunRequest, *checkpoint, error) {
	switch {
	case work.Checkpoint != nil:
		from := new(checkpoint)
		if err := json.Unmarshal(work.Checkpoint, from); err != nil {
			return host.RunRequest{}, nil, fmt.Errorf("read checkpoint: %w", err)
		}
		return from.Request, from, nil
	case work.Request != nil:
		return *work.Request, nil, nil
	}
	return host.RunRequest{}, nil, errors.New("a background run has neither request nor checkpoint")
}

// carryOut executes the run, unless it is over already, and stores its end. An
// error leaves the run to another worker.
func (x *execution) carryOut(ctx, worker context.Context, cause error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			x.log.Error("run panicked", "run_id", x.run.ID, "panic", v, "stack", string(debug.Stack()))
			x.fail(storageFailure())
			x.unstored.addEnd(x.bareEnd())
			err = nil
		}
	}()
	ctx, release := x.limited(ctx)
	defer release()
	switch {
	case cause == nil:
		cause = x.execute(ctx)
	case x.from != nil: // the session keeps what the run left in it
		if err := x.loadSession(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	if err := leftOff(ctx, cause); err != nil {
		return err
	}
	if err := x.endUnfinished(ctx); err != nil {
		return err
	}
	return x.storeEnd(worker, x.conclude(ctx, cause))
}

// limited bounds how long the attempt may take.
func (x *execution) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := x.bounds.timeout
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, &fault{host.Failure{
		Type: host.FailureTimeout, Message: fmt.Sprintf("The run took longer than its limit of %s.", limit),
	}})
}

// leftOff returns why a run has not ended, though its execution has: its worker
// was stopped, lost it, or could not read the store. A run that was answered,
// refused or cancelled has ended.
func leftOff(ctx context.Context, cause error) error {
	ended := context.Cause(ctx)
	var limit *fault
	var refused *refusal
	var unread *storeError
	switch {
	case errors.Is(cause, host.ErrStale):
		return cause
	case errors.Is(ended, host.ErrStale):
		return ended
	case cause == nil, errors.As(cause, &refused),
		errors.Is(cause, errCancelled), errors.Is(ended, errCancelled), errors.As(ended, &limit):
		return nil
	case ended != nil:
		return ended
	case errors.As(cause, &unread):
		return cause
	}
	return nil
}
