package hook

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Trials asks hooks outside any run, exactly as they are asked in one. The zero
// value is ready to use; it is safe for concurrent use.
type Trials struct {
	// InBackground is the Dispatcher's.
	InBackground bool
	// Now defaults to time.Now.
	Now func() time.Time
}

// Check returns what keeps a trial's context from being completed, or nothing.
// Paths begin at the context.
func (t Trials) Check(trial host.Trial) []host.Problem {
	h, err := t.dispatcher(nil).tried(trial)
	if err != nil {
		return []host.Problem{{Message: err.Error()}}
	}
	_, problems := t.complete(&h, trial)
	return problems
}

// Try asks one hook through the caller. A hook that fails is a result. An error
// says that nobody was asked: an unknown hook or a context that cannot be
// completed is CodeInvalid with the field hook or context; otherwise ctx ended.
func (t Trials) Try(ctx context.Context, caller host.Caller, trial host.Trial) (host.TrialResult, error) {
	d := t.dispatcher(caller)
	h, err := d.tried(trial)
	if err != nil {
		return host.TrialResult{}, err
	}
	c, problems := t.complete(&h, trial)
	if len(problems) > 0 {
		return host.TrialResult{}, &host.Error{
			Code: host.CodeInvalid, Field: "context", Problems: problems, Message: "the context cannot be completed",
		}
	}
	try := d.tryBlocking
	if h.Mode == pluginapi.ModeBackground {
		try = d.tryInBackground
	}
	return try(ctx, &h, c, trial.Services)
}

// dispatcher makes the rules of a run; whatever a hook logs is in the result.
func (t Trials) dispatcher(caller host.Caller) *Dispatcher {
	now := t.Now
	if now == nil {
		now = time.Now
	}
	return &Dispatcher{
		caller: caller, inBackground: t.InBackground, observer: host.Unobserved{}, now: now, log: slog.New(slog.DiscardHandler),
	}
}

// tried is the hook of a trial as it would be bound.
func (d *Dispatcher) tried(trial host.Trial) (Hook, error) {
	m, ok := trial.Plugin.Hook(trial.Binding.Hook)
	if !ok {
		return Hook{}, host.Invalid("hook", "the plugin %s has no such hook", trial.Plugin.Name)
	}
	return d.merge(host.BoundPlugin{Binding: trial.Binding, Plugin: trial.Plugin}, m), nil
}

func (d *Dispatcher) tryBlocking(
	ctx context.Context, h *Hook, c *pluginapi.Context, services host.Services,
) (host.TrialResult, error) {
	f := &fold{
		Dispatcher: d, emission: &Emission{Services: services}, occasion: occasionOf(c),
		result: Result{Context: *c, Verdict: pluginapi.Verdict{Decision: pluginapi.Allow}},
	}
	record := f.consult(ctx, h)
	return host.TrialResult{Verdict: f.verdict, Call: record}, f.err
}

func (d *Dispatcher) tryInBackground(
	ctx context.Context, h *Hook, c *pluginapi.Context, services host.Services,
) (host.TrialResult, error) {
	ext := c.Extensions.Snaphook
	if services.SessionState != nil {
		var err error
		if ext.SessionState, err = services.SessionState.Get(ctx); err != nil {
			return host.TrialResult{}, fmt.Errorf("read session state: %w", err)
		}
	}
	snapshot, err := Snapshot(c)
	if err != nil {
		return host.TrialResult{}, err
	}
	call := d.Queued(h, occasionOf(c), "", host.Lease{})
	if ext.Delivery != nil {
		deliverAs(&call, *ext.Delivery)
	}
	record, verdict := d.attempt(ctx, call, snapshot, services)
	if record.Error != nil && ctx.Err() != nil {
		return host.TrialResult{}, context.Cause(ctx)
	}
	return host.TrialResult{Verdict: verdict, Call: record}, nil
}

// deliverAs makes a call the attempt that a context describes.
func deliverAs(call *host.HookCall, given pluginapi.Delivery) {
	call.ID = cmp.Or(given.HookCallID, call.ID)
	call.IdempotencyKey = cmp.Or(given.IdempotencyKey, call.IdempotencyKey)
	call.Attempt = cmp.Or(given.Attempt, call.Attempt)
	call.MaxAttempts = cmp.Or(given.MaxAttempts, call.MaxAttempts)
}

func occasionOf(c *pluginapi.Context) Occasion {
	ext := c.Extensions.Snaphook
	component := host.Component{Kind: host.ComponentKind(ext.Component.Kind), ID: ext.Component.ID, Name: ext.Component.Name}
	return Occasion{
		Run:   RunRef{ID: ext.Run.ID, SessionID: ext.SessionID, Component: component},
		Point: c.Point, Sequence: c.Sequence,
	}
}
