package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// finish settles how the run ended, stores it with its hook calls in one
// transaction, hands the background calls to the pool and sends the last event.
func (x *execution) finish(ctx context.Context, cause error) (host.Run, error) {
	cancelled := isCancelled(ctx, cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	x.settle(cause, cancelled)
	x.shutdown(ctx, summaryReason(x.run.Status))
	x.run.FinishedAt = x.now()
	x.run.Metrics.Duration = x.run.FinishedAt.Sub(x.run.CreatedAt).Seconds()
	if err := x.write(ctx); err != nil {
		x.run.Failure = &host.Failure{Type: "storage_error", Message: "The run could not be stored."}
		x.emit(host.Event{Kind: host.EventRunError})
		return host.Run{}, err
	}
	x.emit(host.Event{Kind: lastEvent(x.run.Status)})
	return x.run, nil
}

func lastEvent(s host.RunStatus) host.EventKind {
	switch s {
	case host.RunCompleted:
		return host.EventRunCompleted
	case host.RunCancelled:
		return host.EventRunCancelled
	}
	return host.EventRunError
}

func summaryReason(s host.RunStatus) string {
	switch s {
	case host.RunCompleted:
		return "completed"
	case host.RunCancelled:
		return "cancelled"
	}
	return "error"
}

// settle turns the cause of the end into status, content and failure.
func (x *execution) settle(cause error, cancelled bool) {
	var refused *refusal
	var failed *model.Error
	switch {
	case cause == nil:
		x.run.Status = host.RunCompleted
		return
	case cancelled:
		x.run.Status = host.RunCancelled
		x.setContent("Run " + x.run.ID + " was cancelled")
		return
	case errors.As(cause, &refused):
		x.refused = refused
		x.fail(failureOf(refused))
		if !x.inputPermitted {
			x.keepRefusedInput()
		}
		return
	case errors.As(cause, &failed):
		x.fail(&host.Failure{Type: failed.Type, Message: failed.Message})
	default:
		x.fail(&host.Failure{Type: "agent_run_error", Message: "The run failed inside the host."})
	}
	x.log.Error("run failed", "run_id", x.run.ID, "agent_id", x.agent.ID, "error", cause)
}

// keepRefusedInput stores a placeholder, or the input where the agent says so.
func (x *execution) keepRefusedInput() {
	x.run.Input = host.TextContent("[refused: " + reasonOf(x.refused.verdict) + "]")
	if x.agent.StoreRefusedInput {
		x.run.Input = x.req.Input
	}
}

// setContent makes text the run's content; an answer no hook permitted is
// dropped with the message that held it.
func (x *execution) setContent(text string) {
	x.run.Content, x.run.ContentType = host.TextContent(text), "str"
	if n := len(x.run.Messages); n > 0 && x.run.Messages[n-1].Role == "assistant" {
		x.run.Messages = x.run.Messages[:n-1]
	}
}

func (x *execution) fail(f *host.Failure) {
	x.run.Status, x.run.Failure = host.RunError, f
	x.setContent(f.Message)
}

// failureOf words a refusal for the caller.
func failureOf(r *refusal) *host.Failure {
	f := &host.Failure{
		Type: host.FailureInputCheck, ID: r.verdict.Reason,
		Message: r.verdict.Message, Refused: true, Data: refusalData(r),
	}
	fallback := "input_not_allowed"
	if r.point == pluginapi.PointPostModelCall || r.point == pluginapi.PointOutput {
		f.Type, fallback = host.FailureOutputCheck, "output_not_allowed"
	}
	if f.ID == "" {
		f.ID = fallback
	}
	if f.Message == "" {
		f.Message = f.ID
	}
	return f
}

// reasonOf is what a refused input is replaced by.
func reasonOf(v pluginapi.Verdict) string {
	if v.Reason != "" {
		return v.Reason
	}
	return "input_not_allowed"
}

// refusalData names who refused, for additional_data.
func refusalData(r *refusal) json.RawMessage {
	data := struct {
		Plugin string          `json:"plugin,omitempty"`
		Hook   string          `json:"hook,omitempty"`
		Point  pluginapi.Point `json:"point"`
	}{Point: r.point}
	if r.decider != nil {
		data.Plugin, data.Hook = r.decider.Plugin, r.decider.Name
	}
	raw, err := json.Marshal(data)
	if err != nil { // three strings always marshal
		panic(err)
	}
	return raw
}

// write writes the end of the run.
func (x *execution) write(ctx context.Context) error {
	end, jobs, err := x.collect()
	if err != nil {
		return err
	}
	room := x.pool.Reserve(len(jobs))
	lease := x.leaseNow()
	for i := range jobs[:room] {
		call := &end.Calls[jobs[i].call]
		call.Owner, call.LeaseUntil = lease.Owner, lease.Until
		jobs[i].job.Call = *call
	}
	if err := x.store.FinishRun(ctx, end); err != nil {
		x.pool.Return(room)
		return fmt.Errorf("finish run: %w", err)
	}
	for _, j := range jobs[:room] {
		x.pool.Submit(j.job)
	}
	if room < len(jobs) {
		x.pool.Nudge()
	}
	return nil
}

// queued is a background call among the calls of a finish.
type queued struct {
	call int
	job  pool.Job
}

// collect gathers the records of every hook of the plan: what was called, what
// is to be called later, what did not run and why.
func (x *execution) collect() (host.Finish, []queued, error) {
	end := host.Finish{Run: x.run, Session: x.endSession()}
	if x.plan.Empty() {
		return end, nil, nil
	}
	var jobs []queued
	for i := range x.emitted {
		e := &x.emitted[i]
		end.Calls = append(end.Calls, e.calls...)
		if len(e.background) == 0 {
			continue
		}
		more, err := x.enqueue(&end, e)
		if err != nil {
			return end, nil, err
		}
		jobs = append(jobs, more...)
	}
	end.Calls = append(end.Calls, x.notReached()...)
	return end, jobs, nil
}

// enqueue adds the background calls of one emission, queued or skipped.
func (x *execution) enqueue(end *host.Finish, e *emitted) ([]queued, error) {
	if reason := x.skipReason(e); reason != "" {
		for i := range e.background {
			end.Calls = append(end.Calls, x.hooks.Skipped(&e.background[i], e.occasion, reason))
		}
		return nil, nil
	}
	snapshot := host.Snapshot{ID: uuid.NewString(), RunID: x.run.ID}
	var jobs []queued
	for i := range e.background {
		h := &e.background[i]
		if h.Missing {
			end.Calls = append(end.Calls, x.hooks.Skipped(h, e.occasion, host.SkipPluginInactive))
			continue
		}
		jobs = append(jobs, queued{call: len(end.Calls)})
		end.Calls = append(end.Calls, x.hooks.Queued(h, e.occasion, snapshot.ID, host.Lease{}))
	}
	if len(jobs) == 0 {
		return nil, nil
	}
	var err error
	if snapshot.Context, err = x.snapshot(e); err != nil {
		return nil, err
	}
	end.Snapshots = append(end.Snapshots, snapshot)
	for i := range jobs {
		jobs[i].job.Snapshot = snapshot.Context
	}
	return jobs, nil
}

// snapshot is the context as it is when the run has ended: at output with the
// final status and metrics.
func (x *execution) snapshot(e *emitted) ([]byte, error) {
	c := e.context
	if e.occasion.Point == pluginapi.PointOutput || e.occasion.Point == pluginapi.PointAgentShutdown {
		ext := *c.Extensions.Snaphook
		ext.Run = x.runInfo()
		c.Extensions.Snaphook = &ext
	}
	return hook.Snapshot(&c)
}

// skipReason says why the background hooks of an emission are not called, or
// nothing when they are.
func (x *execution) skipReason(e *emitted) string {
	switch {
	case x.refused != nil:
		return host.SkipRunRefused
	case !e.permitted && e.occasion.Point != pluginapi.PointAgentShutdown:
		return host.SkipCancelled
	case e.occasion.Point == pluginapi.PointOutput && x.run.Status != host.RunCompleted:
		return x.endReason()
	}
	return ""
}

// notReached records the hooks of the points the run did not come to.
func (x *execution) notReached() []host.HookCall {
	var calls []host.HookCall
	for _, p := range []pluginapi.Point{
		pluginapi.PointAgentStartup, pluginapi.PointInput, pluginapi.PointPreModelCall,
		pluginapi.PointPostModelCall, pluginapi.PointOutput,
	} {
		hooks := x.plan.At(p)
		if len(hooks) == 0 || x.reached(p) {
			continue
		}
		occasion := hook.Occasion{Run: x.runRef(), Point: p, Sequence: x.sequence}
		x.sequence++
		for i := range hooks {
			calls = append(calls, x.hooks.Skipped(&hooks[i], occasion, x.endReason()))
		}
	}
	return calls
}

func (x *execution) reached(p pluginapi.Point) bool {
	for i := range x.emitted {
		if x.emitted[i].occasion.Point == p {
			return true
		}
	}
	return false
}

// endReason is why hooks of a later point did not run.
func (x *execution) endReason() string {
	switch {
	case x.refused != nil:
		return host.SkipRunRefused
	case x.run.Status == host.RunCancelled:
		return host.SkipCancelled
	}
	return host.SkipRunNotCompleted
}

// endSession is the session as this run leaves it.
func (x *execution) endSession() *host.Session {
	s := x.session
	if s.ID == "" { // the run ended before the session was read
		return nil
	}
	s.State = x.run.SessionState
	s.UpdatedAt = x.now().UTC().Truncate(time.Millisecond)
	return &s
}
