package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
)

// finish settles how the run ended, stores it with its hook calls in one
// transaction, hands the background calls to the pool and sends the last event.
func (x *execution) finish(ctx context.Context, cause error) (host.Run, error) {
	defer x.ended()
	x.settle(ctx, cause)
	ctx = context.WithoutCancel(ctx)
	x.skipped = x.notReached()
	x.shutdown(ctx)
	x.run.FinishedAt = x.now()
	if !x.startedAt.IsZero() {
		x.run.Metrics.Duration = x.run.FinishedAt.Sub(x.startedAt).Seconds()
	}
	if err := x.write(ctx); err != nil {
		x.fail(&host.Failure{Type: failureStorage, Message: "The run could not be stored."})
		x.unstored.add(x.run)
		x.emit(host.Event{Kind: host.EventRunError})
		return host.Run{}, err
	}
	x.emit(host.Event{Kind: lastEvent(x.run.Status)})
	return x.run, nil
}

// settle turns the cause of the end into status, content and failure. A refusal
// stays one when the client has left meanwhile.
func (x *execution) settle(ctx context.Context, cause error) {
	var failed *model.Error
	var refused *host.Error
	switch {
	case cause == nil:
		x.run.Status = host.RunCompleted
		return
	case errors.As(cause, &x.refused):
		x.refuse(x.refused)
		return
	case ctx.Err() != nil:
		x.run.Status = host.RunCancelled
		x.setContent("Run " + x.run.ID + " was cancelled")
		return
	case errors.As(cause, &failed):
		x.fail(&host.Failure{Type: failed.Type, Message: failed.Message})
	case errors.As(cause, &refused) && refused.Code == host.CodeTooLarge:
		x.fail(&host.Failure{Type: "agent_run_error", ID: string(refused.Code), Message: refused.Message})
	default:
		x.fail(&host.Failure{Type: "agent_run_error", Message: "The run failed inside the host."})
	}
	x.log.Error("run failed", "run_id", x.run.ID, "session_id", x.run.SessionID, "agent_id", x.agent.ID, "error", cause)
}

func (x *execution) refuse(r *refusal) {
	x.fail(r.failure())
	if !x.inputPermitted {
		x.run.Input = r.input(x.agent)
	}
}

func (x *execution) fail(f *host.Failure) {
	x.run.Status, x.run.Failure = host.RunError, f
	x.setContent(f.Message)
}

// setContent makes text the run's content.
func (x *execution) setContent(text string) {
	x.run.Content, x.run.ContentType = host.TextContent(text), "str"
}

// write writes the end of the run. It waits as long as the store takes: calls
// leased to this node that were committed after all, but not handed to its pool,
// would lie there until the node ends.
func (x *execution) write(ctx context.Context) error {
	end, jobs, err := x.collect()
	if err != nil {
		return err
	}
	held := x.hold(end.Calls, jobs)
	if err := x.store.FinishRun(ctx, end); err != nil {
		for _, j := range held {
			x.pool.Return(end.Calls[j.call].Plugin, 1)
		}
		return fmt.Errorf("finish run: %w", err)
	}
	for _, j := range held {
		x.pool.Submit(pool.Job{Call: end.Calls[j.call], Snapshot: j.snapshot})
	}
	if len(held) < len(jobs) {
		x.pool.Nudge()
	}
	return nil
}

// hold reserves room in the pool and leases the calls that got it to this node.
// It returns those.
func (x *execution) hold(calls []host.HookCall, jobs []queued) []queued {
	var held []queued
	lease := x.leaseNow()
	for _, j := range jobs {
		call := &calls[j.call]
		if x.pool.Reserve(call.Plugin, 1) == 0 {
			continue
		}
		call.Owner, call.LeaseUntil = lease.Owner, lease.Until
		held = append(held, j)
	}
	return held
}
