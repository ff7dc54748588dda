package hook

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Emission is one pass over the hooks of one point.
type Emission struct {
	Plan *Plan
	// Context is the document for the hooks; Emit fills Target and, for each
	// hook, config and mode. Its extension must be set.
	Context pluginapi.Context
	Run     RunRef
	// Required denies when no blocking hook is bound (require_hooks).
	Required bool
	// Started and Completed are told of each blocking hook, with the context as
	// the hook gets it and as it left it; nil for nobody. A hook that denied has
	// only Started.
	Started   func(h *Hook, c *pluginapi.Context)
	Completed func(h *Hook, c *pluginapi.Context)
}

// RunRef names the run in the records of its hook calls.
type RunRef struct {
	ID        string
	SessionID string
	Component host.Component
}

// Result is what an emission came to.
type Result struct {
	// Context is the document after all transforms.
	Context pluginapi.Context
	// Verdict is the combined verdict; its transform has been applied.
	Verdict pluginapi.Verdict
	// Decider is the hook that denied, nil when the host did or nobody.
	Decider *Hook
	// Calls are the records of the blocking hooks, called or skipped.
	Calls []host.HookCall
	// Background are the hooks to enqueue, when the run permits.
	Background []Hook
}

// Denied reports whether the action must not go on.
func (r *Result) Denied() bool { return r.Verdict.Decision == pluginapi.Deny }

// Reasons only the host gives (agent-hooks/0.1 §11).
const (
	ReasonContextInvalid     = pluginapi.ReservedPrefix + "context_invalid"
	ReasonNoInterceptor      = pluginapi.ReservedPrefix + "no_interceptor"
	ReasonInterceptorFailed  = pluginapi.ReservedPrefix + "interceptor_failed"
	ReasonInterceptorTimeout = pluginapi.ReservedPrefix + "interceptor_timeout"
	ReasonVerdictInvalid     = pluginapi.ReservedPrefix + "verdict_invalid"
	ReasonTransformInvalid   = pluginapi.ReservedPrefix + "transform_invalid"
	ReasonTransformForbidden = pluginapi.ReservedPrefix + "transform_target_forbidden"
)

// Emit calls the blocking hooks of the context's point one after another: the
// first deny ends it, transforms fold through, every hook gets its own copy. It
// fails only when ctx ends; every other trouble is a deny in the result.
func (d *Dispatcher) Emit(ctx context.Context, e Emission) (Result, error) {
	f := &fold{
		Dispatcher: d, emission: &e,
		result: Result{Context: e.Context, Verdict: pluginapi.Verdict{Decision: pluginapi.Allow}},
	}
	hooks := e.Plan.At(e.Context.Point)
	if err := setTarget(&f.result.Context); err != nil {
		f.deny(nil, ReasonContextInvalid, "The host could not build the context.")
	} else if e.Required && !e.Plan.Blocking(e.Context.Point) {
		f.deny(nil, ReasonNoInterceptor, "No blocking hook is bound at "+string(e.Context.Point)+".")
	}
	for i := range hooks {
		if err := f.visit(ctx, &hooks[i]); err != nil {
			return f.result, err
		}
	}
	return f.result, nil
}

// fold is the state of one emission.
type fold struct {
	*Dispatcher
	emission *Emission
	result   Result
}

func (f *fold) deny(by *Hook, reason, message string) {
	f.result.Decider = by
	f.result.Verdict = pluginapi.Verdict{
		Decision: pluginapi.Deny, Reason: reason, Message: message,
		Warnings: f.result.Verdict.Warnings,
	}
}

// visit handles one hook: put aside, skipped or called.
func (f *fold) visit(ctx context.Context, h *Hook) error {
	if h.Mode == pluginapi.ModeBackground {
		f.result.Background = append(f.result.Background, *h)
		return nil
	}
	if f.result.Denied() {
		f.result.Calls = append(f.result.Calls, f.Skipped(h, f.ref(), host.SkipEarlierDeny))
		return nil
	}
	if f.emission.Started != nil {
		f.emission.Started(h, &f.result.Context)
	}
	record, next, err := f.call(ctx, h)
	if err != nil {
		f.result.Calls = append(f.result.Calls, f.Skipped(h, f.ref(), host.SkipCancelled))
		return err
	}
	f.result.Calls = append(f.result.Calls, record)
	f.combine(h, &record, next)
	if f.emission.Completed != nil && !f.result.Denied() {
		f.emission.Completed(h, &f.result.Context)
	}
	return nil
}

// combine folds one record into the result.
func (f *fold) combine(h *Hook, record *host.HookCall, next *pluginapi.Context) {
	f.result.Verdict.Warnings = union(f.result.Verdict.Warnings, record.Warnings)
	switch record.Decision {
	case pluginapi.Deny:
		f.deny(h, record.Reason, record.Message)
	case pluginapi.TransformTo:
		f.result.Context = *next
		f.result.Verdict.Decision = pluginapi.TransformTo
		f.result.Verdict.Reason, f.result.Verdict.Message = record.Reason, record.Message
	}
}

func union(have, more []pluginapi.Warning) []pluginapi.Warning {
next:
	for _, w := range more {
		for _, old := range have {
			if w == old {
				continue next
			}
		}
		have = append(have, w)
	}
	return have
}

func (f *fold) ref() Occasion {
	return Occasion{Run: f.emission.Run, Point: f.result.Context.Point, Sequence: f.result.Context.Sequence}
}

// call runs one blocking hook. It returns the record and, for a transform, the
// context after it; an error only when ctx ended.
func (f *fold) call(ctx context.Context, h *Hook) (host.HookCall, *pluginapi.Context, error) {
	record := f.record(h, f.ref())
	record.StartedAt = f.now()
	answer := f.ask(ctx, h, &f.result.Context, nil, &record)
	if ctx.Err() != nil {
		return record, nil, context.Cause(ctx)
	}
	record.FinishedAt = f.now()
	record.Status = host.HookCallCompleted
	if answer.err == nil {
		answer.next, answer.err = f.apply(answer.verdict)
	}
	if answer.err != nil {
		f.fail(h, &record, answer.err)
		return record, nil, nil
	}
	settle(&record, answer.verdict)
	return record, answer.next, nil
}

func (f *fold) apply(v pluginapi.Verdict) (*pluginapi.Context, *hookError) {
	if v.Decision != pluginapi.TransformTo {
		return nil, nil
	}
	next, err := transformed(&f.result.Context, v.Transform)
	if err != nil {
		return nil, transformError(err)
	}
	return next, nil
}

// fail records a hook that did not answer: a deny, or an allow with a warning
// where the binding wants that.
func (f *fold) fail(h *Hook, record *host.HookCall, failure *hookError) {
	record.Error = &host.HookError{Code: failure.code, Message: failure.detail}
	text := fmt.Sprintf("The hook %s failed (%s).", h.FullName(), failure.code)
	if h.FailOpen && !h.Guardrail {
		record.Outcome, record.Decision = host.OutcomeFailedOpen, pluginapi.Allow
		record.Warnings = append(record.Warnings, pluginapi.Warning{Reason: "failed_open", Message: text})
		return
	}
	record.Outcome, record.Decision = host.OutcomeFailedClosed, pluginapi.Deny
	record.Reason, record.Message = failure.reason, text
}

// settle writes a valid verdict into the record.
func settle(record *host.HookCall, v pluginapi.Verdict) {
	record.Decision, record.Reason, record.Message = v.Decision, v.Reason, v.Message
	record.Warnings = append(record.Warnings, v.Warnings...)
	switch v.Decision {
	case pluginapi.Allow:
		record.Outcome = host.OutcomeAllowed
	case pluginapi.Deny:
		record.Outcome = host.OutcomeDenied
	case pluginapi.TransformTo:
		record.Outcome = host.OutcomeTransformed
	}
}

// Occasion is where and when a hook is called.
type Occasion struct {
	Run      RunRef
	Point    pluginapi.Point
	Sequence int64
}

// record starts the record of a call.
func (d *Dispatcher) record(h *Hook, at Occasion) host.HookCall {
	return host.HookCall{
		ID: uuid.NewString(), RunID: at.Run.ID, SessionID: at.Run.SessionID, Component: at.Run.Component,
		Plugin: h.Plugin, Version: h.Version, Digest: h.Digest, Hook: h.Name,
		Point: at.Point, Sequence: at.Sequence, Position: h.Position, Mode: h.Mode, Guardrail: h.Guardrail,
		Warnings: []pluginapi.Warning{}, Logs: []host.LogLine{},
		Attempt: 1, MaxAttempts: 1, CreatedAt: d.now(),
	}
}

// Skipped is the record of a hook that was not called.
func (d *Dispatcher) Skipped(h *Hook, at Occasion, reason string) host.HookCall {
	record := d.record(h, at)
	record.Status, record.Reason = host.HookCallSkipped, reason
	record.Attempt, record.MaxAttempts = 0, 0
	record.FinishedAt = record.CreatedAt
	return record
}

func milliseconds(t time.Duration) float64 { return float64(t.Microseconds()) / 1000 }
