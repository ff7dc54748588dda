package hook

import (
	"context"

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
	// Services are what the hooks may reach, if they were granted it; Evaluations is
	// each call's own.
	Services host.Services
	// Required denies when no blocking hook is bound (require_hooks).
	Required bool
	// Started and Completed are told of each blocking hook, with the context as
	// the hook gets it and as it left it; nil for nobody. A hook that denied has
	// only Started.
	Started   func(h *Hook, c *pluginapi.Context)
	Completed func(h *Hook, c *pluginapi.Context)
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
	Background []*Hook
}

// Denied reports whether the action must not go on.
func (r *Result) Denied() bool { return r.Verdict.Decision == pluginapi.Deny }

// Emit calls the blocking hooks of the context's point one after another: the
// first deny ends it, transforms fold through, every hook gets its own copy. It
// fails only when ctx ends before a hook has answered, with its cause; every other
// trouble is a deny in the result, which is complete in both cases.
func (d *Dispatcher) Emit(ctx context.Context, e Emission) (Result, error) {
	f := &fold{
		Dispatcher: d, emission: &e,
		occasion: Occasion{Run: e.Run, Point: e.Context.Point, Sequence: e.Context.Sequence},
		result:   Result{Context: e.Context, Verdict: pluginapi.Verdict{Decision: pluginapi.Allow}},
	}
	f.prepare()
	hooks := e.Plan.At(e.Context.Point)
	for i := range hooks {
		f.visit(ctx, &hooks[i])
	}
	return f.result, f.err
}
