package hook

import (
	"context"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// fold is the state of one emission.
type fold struct {
	*Dispatcher
	emission *Emission
	occasion Occasion
	result   Result
	// shared is the result's context as JSON, nil until a hook is asked about it.
	shared *shared
	// verdict is that of the hook consulted last, or what took its place.
	verdict pluginapi.Verdict
	err     error // why ctx ended
}

// prepare denies what no hook can be asked about.
func (f *fold) prepare() {
	at := f.occasion.Point
	if err := prepare(&f.result.Context); err != nil {
		f.deny(nil, pluginapi.Verdict{Reason: ReasonContextInvalid, Message: cannotAsk(err.Error())})
	} else if f.emission.Required && !f.emission.Plan.Blocking(at) {
		f.deny(nil, pluginapi.Verdict{Reason: ReasonNoInterceptor, Message: "No blocking hook is bound at " + string(at) + "."})
	}
}

// visit handles one hook: put aside, skipped or called.
func (f *fold) visit(ctx context.Context, h *Hook) {
	switch {
	case h.Mode == pluginapi.ModeBackground:
		f.result.Background = append(f.result.Background, h)
	case f.result.Denied():
		f.result.Calls = append(f.result.Calls, f.Skipped(h, f.occasion, host.SkipEarlierDeny))
	case f.ended(ctx):
		f.result.Calls = append(f.result.Calls, f.Skipped(h, f.occasion, host.SkipCancelled))
	default:
		f.result.Calls = append(f.result.Calls, f.consult(ctx, h))
	}
}

// ended reports whether ctx has ended, and keeps why.
func (f *fold) ended(ctx context.Context) bool {
	if f.err == nil && ctx.Err() != nil {
		f.err = context.Cause(ctx)
	}
	return f.err != nil
}

// consult calls one blocking hook, folds its verdict into the result and
// returns the record.
func (f *fold) consult(ctx context.Context, h *Hook) host.HookCall {
	if f.emission.Started != nil {
		f.emission.Started(h, &f.result.Context)
	}
	record := f.record(h, f.occasion)
	record.StartedAt = f.now()
	f.observer.HookStarted(&record)
	defer func() { f.observer.HookEnded(&record) }()
	verdict, failed := f.ask(ctx, question{hook: h, shared: f.share, services: f.emission.Services}, &record)
	record.FinishedAt = f.now()
	if failed != nil && f.ended(ctx) { // an answer that is there counts
		record.Status = host.HookCallCancelled
		record.Error = &host.HookError{Code: string(host.CallCancelled), Message: "the run ended while the hook was asked"}
		return record
	}
	record.Status = host.HookCallCompleted
	if failed == nil {
		failed = f.combine(h, verdict)
	}
	if failed != nil {
		record.Evaluations = nil
		verdict = f.fail(ctx, h, &record, failed)
	} else {
		settle(&record, verdict)
		f.warn(ctx, h, &record, verdict.Warnings)
	}
	f.verdict = verdict
	if f.emission.Completed != nil && !f.result.Denied() {
		f.emission.Completed(h, &f.result.Context)
	}
	return record
}

// share is the result's context as JSON.
func (f *fold) share() (shared, error) {
	if f.shared == nil {
		s, err := share(&f.result.Context)
		if err != nil {
			return shared{}, err
		}
		f.shared = &s
	}
	return *f.shared, nil
}

// combine folds a verdict into the result. It fails when a transform does not
// apply.
func (f *fold) combine(h *Hook, v pluginapi.Verdict) *failure {
	combined := &f.result.Verdict
	switch v.Decision {
	case pluginapi.Deny:
		f.deny(h, v)
		return nil
	case pluginapi.TransformTo:
		next, err := transformed(&f.result.Context, v.Transform)
		if err != nil {
			return transformFailure(err)
		}
		f.result.Context, f.shared = *next, nil
		combined.Decision, combined.Reason, combined.Message = pluginapi.TransformTo, v.Reason, v.Message
	}
	combined.Warnings = union(combined.Warnings, v.Warnings)
	return nil
}

// deny makes v the combined verdict; warnings of the hooks before it stay.
func (f *fold) deny(by *Hook, v pluginapi.Verdict) {
	f.result.Decider = by
	f.result.Verdict = pluginapi.Verdict{
		Decision: pluginapi.Deny, Reason: v.Reason, Message: v.Message,
		Warnings: union(f.result.Verdict.Warnings, v.Warnings),
	}
}

// fail records a hook that did not answer, and folds and returns what that
// counts as.
func (f *fold) fail(ctx context.Context, h *Hook, record *host.HookCall, why *failure) pluginapi.Verdict {
	verdict, outcome := substitute(h, why)
	settle(record, verdict)
	record.Outcome, record.Error = outcome, why.hookError()
	switch {
	case outcome == host.OutcomeFailedOpen:
		f.result.Verdict.Warnings = union(f.result.Verdict.Warnings, verdict.Warnings)
	case why.ofHost():
		f.deny(nil, verdict)
	default:
		f.deny(h, verdict)
	}
	f.logOf(h, record).WarnContext(ctx, "hook failed", "outcome", outcome, "code", why.code, "error", why.detail)
	return verdict
}

// substitute is the verdict that takes the place of a missing one: a deny, or an
// allow with a warning where the binding wants that. It holds nothing of the
// guest or the target.
func substitute(h *Hook, why *failure) (pluginapi.Verdict, host.HookOutcome) {
	text := fmt.Sprintf("The hook %s failed (%s).", h.FullName(), why.code)
	switch {
	case why.ofHost():
		text = cannotAsk(why.detail)
	case h.FailOpen && !h.Guardrail:
		return pluginapi.Verdict{
			Decision: pluginapi.Allow,
			Warnings: []pluginapi.Warning{{Reason: string(host.OutcomeFailedOpen), Message: text}},
		}, host.OutcomeFailedOpen
	}
	return pluginapi.Verdict{Decision: pluginapi.Deny, Reason: why.reason, Message: text}, host.OutcomeFailedClosed
}

func cannotAsk(why string) string { return "The host cannot ask the hooks: " + why + "." }

// union appends the warnings that are new.
func union(have, more []pluginapi.Warning) []pluginapi.Warning {
	for _, w := range more {
		if !slices.Contains(have, w) {
			have = append(have, w)
		}
	}
	return have
}
