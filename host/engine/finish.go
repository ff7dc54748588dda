package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
)

// finish ends a run whose client waits, and sends the last events.
func (x *execution) finish(ctx context.Context, cause error) (host.Run, error) {
	defer x.ended()
	if err := x.conclude(ctx, cause); err != nil {
		x.fail(storageFailure())
		x.unstored.addEnd(x.bareEnd())
		x.emit(host.Event{Kind: host.EventRunError})
		return host.Run{}, err
	}
	x.emitEnd()
	return x.run, nil
}

// conclude settles how the run ended, stores it with its hook calls in one
// transaction and hands the background calls to the pool. A cancel that was
// answered before the transaction prevails.
func (x *execution) conclude(ctx context.Context, cause error) error {
	x.settle(ctx, cause)
	x.skipped = x.notReached()
	x.shutdown(ctx)
	if x.run.Status != host.RunCancelled && errors.Is(context.Cause(ctx), errCancelled) {
		x.cancelLate()
	}
	if x.composite() && x.withholds() {
		x.seal()
	}
	x.run.FinishedAt = x.now()
	if !x.startedAt.IsZero() {
		x.run.Metrics.Duration = x.run.FinishedAt.Sub(x.startedAt).Seconds()
	}
	ctx = context.WithoutCancel(ctx)
	if x.inside() && x.tree.journal != nil { // what the run did in the tree is not to be undone
		if err := x.tree.store(ctx); err != nil && !errors.Is(err, errCancelled) {
			return err
		}
	}
	return x.record(ctx)
}

// cancelLate ends the run as CANCELLED that had ended otherwise.
func (x *execution) cancelLate() {
	x.setCancelled()
	x.skipped = x.notReached()
}

// record writes the end of the run, as CANCELLED where that was asked for
// meanwhile, and tells who waits for it.
func (x *execution) record(ctx context.Context) error {
	err := x.write(ctx)
	if errors.Is(err, host.ErrCancelled) {
		x.cancelLate()
		err = x.write(ctx)
	}
	x.bell.ring(host.Signal{Kind: host.SignalEvents, ID: x.run.ID})
	x.bell.ring(host.Signal{Kind: host.SignalSession, ID: x.run.SessionID})
	return err
}

// settle turns the cause of the end into status, content and failure. A refusal
// stays one when the client has left meanwhile; a cancel that somebody asked for
// prevails over everything.
func (x *execution) settle(ctx context.Context, cause error) {
	ended := context.Cause(ctx) // nil while ctx lives
	if errors.As(cause, &x.refused) {
		x.refuse(x.refused)
	}
	var limit *fault
	switch {
	case errors.Is(cause, errCancelled), errors.Is(ended, errCancelled):
		x.setCancelled()
	case cause == nil:
		x.run.Status = host.RunCompleted
	case x.refused != nil:
	case errors.As(ended, &limit):
		x.failBy(limit)
	case ended != nil:
		x.setCancelled()
	default:
		x.failBy(cause)
	}
}

// failBy words an error for the caller, and logs it unless it is a hook's decision.
func (x *execution) failBy(cause error) {
	var own *fault
	var failed *model.Error
	var refused *host.Error
	x.dropLast()
	switch {
	case errors.As(cause, &own):
		x.fail(&own.failure)
	case errors.As(cause, &failed):
		x.fail(&host.Failure{Type: failed.Type, Message: failed.Message})
	case errors.As(cause, &refused) && refused.Code == host.CodeTooLarge:
		x.fail(&host.Failure{Type: failureRun, ID: string(refused.Code), Message: refused.Message})
	default:
		x.fail(&host.Failure{Type: failureRun, Message: "The run failed inside the host."})
	}
	if x.run.Failure.Refused {
		return
	}
	x.log.Error("run failed", "run_id", x.run.ID, "session_id", x.run.SessionID,
		"kind", x.run.Component.Kind, "component", x.run.Component.ID, "error", cause)
}

// failureRun is the failure of a run that has no type of its own.
const failureRun = "agent_run_error"

// setCancelled ends the run as CANCELLED, with what of its answer had left.
func (x *execution) setCancelled() {
	x.run.Status, x.run.Failure = host.RunCancelled, nil
	x.dropLast() // nobody is to find the answer there
	switch len(x.sent) {
	case 0:
		x.setContent("Run " + x.run.ID + " was cancelled")
	case 1:
		x.run.Content, x.run.ContentType = x.sent[0], x.contentType(x.sent[0])
	default:
		x.setContent(joined(x.sent))
	}
}

// dropLast takes away the last message where it is an answer, or calls of tools that
// nothing answers.
func (x *execution) dropLast() {
	if n := len(x.run.Messages); n > 0 && x.run.Messages[n-1].Role == "assistant" {
		x.run.Messages = x.run.Messages[:n-1]
	}
}

// joined is the text of the pieces of an answer.
func joined(pieces []json.RawMessage) string {
	var text strings.Builder
	for _, p := range pieces {
		text.WriteString(host.Text(p))
	}
	return text.String()
}

// refuse ends the run as a hook's deny has it: with nothing of what it was about
// to answer.
func (x *execution) refuse(r *refusal) {
	x.fail(r.failure())
	x.run.Tools, x.run.Steps, x.run.Children = nil, nil, nil
	if !x.inputPermitted {
		x.run.Input = r.input(x.agent)
	} else if n := x.firstAnswer(); n < len(x.run.Messages) {
		x.run.Messages = x.run.Messages[:n]
	}
}

// firstAnswer is the place of the first message that is not of the request.
func (x *execution) firstAnswer() int {
	for i := range x.run.Messages {
		if role := x.run.Messages[i].Role; role == "assistant" || role == "tool" {
			return i
		}
	}
	return len(x.run.Messages)
}

func (x *execution) fail(f *host.Failure) {
	x.run.Status, x.run.Failure = host.RunError, f
	x.setContent(f.Message)
}

// setContent makes text the run's content.
func (x *execution) setContent(text string) {
	x.run.Content, x.run.ContentType = host.TextContent(text), "str"
}

// write writes the end of the run, and waits as long as the store takes.
func (x *execution) write(ctx context.Context) error {
	end, jobs, err := x.collect()
	if err != nil {
		return err
	}
	held := x.hold(end.Calls, jobs)
	if err := x.store.FinishRun(ctx, end); err != nil {
		x.giveUp(end.Calls, held, err)
		return &storeError{"finish run", err}
	}
	for _, j := range held {
		x.pool.Submit(pool.Job{Call: end.Calls[j.call], Snapshot: j.snapshot})
	}
	if len(held) < len(jobs) {
		x.pool.Nudge()
	}
	return nil
}

// giveUp gives the room of held calls back. Where nobody knows what came of the
// transaction, they are to be looked for.
func (x *execution) giveUp(calls []host.HookCall, held []queued, why error) {
	known := settled(why) || errors.Is(why, host.ErrCancelled)
	for _, j := range held {
		x.pool.Return(calls[j.call].Plugin, 1)
		if !known {
			x.unstored.addCall(calls[j.call].ID)
		}
	}
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
