package engine

import (
	"context"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// point describes one emission.
type point struct {
	context pluginapi.Context
	// required is the agent's require_hooks, for the points that honour it.
	required           bool
	started, completed func(h *hook.Hook, c *pluginapi.Context)
}

// pass calls the hooks of a point, remembers what they left to do, and returns
// the context they left. A deny is a *refusal.
func (x *execution) pass(ctx context.Context, p point) (pluginapi.Context, error) {
	at := p.context.Point
	occasion := hook.Occasion{Run: x.runRef(), Point: at, Sequence: p.context.Sequence}
	x.sequence++
	if len(x.plan.At(at)) == 0 && !p.required {
		x.emitted = append(x.emitted, emitted{occasion: occasion, permitted: true})
		return p.context, nil
	}
	result, err := x.hooks.Emit(ctx, hook.Emission{
		Plan: x.plan, Context: p.context, Run: x.runRef(), Required: p.required,
		Started: p.started, Completed: p.completed,
	})
	x.emitted = append(x.emitted, emitted{
		occasion: occasion, context: result.Context, calls: result.Calls,
		background: backgroundOf(x.plan.At(at)), permitted: err == nil && !result.Denied(),
	})
	switch {
	case err != nil:
		return p.context, err
	case result.Denied():
		return p.context, &refusal{point: at, verdict: result.Verdict, decider: result.Decider}
	}
	return result.Context, nil
}

func backgroundOf(hooks []hook.Hook) []hook.Hook {
	var out []hook.Hook
	for _, h := range hooks {
		if h.Mode == pluginapi.ModeBackground {
			out = append(out, h)
		}
	}
	return out
}

// startup is agent_startup. Snaphook's agents register no tools yet.
func (x *execution) startup(ctx context.Context) error {
	c := x.contextAt(pluginapi.PointAgentStartup)
	c.AgentInit = &pluginapi.AgentInit{ToolsRegistered: []string{}}
	_, err := x.pass(ctx, point{context: c})
	return err
}

// input is the point input: what its hooks leave is the run's input, and only
// then may anything of the request be kept.
func (x *execution) input(ctx context.Context) error {
	c := x.contextAt(pluginapi.PointInput)
	c.Input = &pluginapi.Input{Content: x.req.Input, Role: "user"}
	c.Extensions.Snaphook.Input = &pluginapi.RunInput{Content: x.req.Input}
	c, err := x.pass(ctx, point{
		context: c, required: x.agent.RequireHooks,
		started:   x.hookEvent(host.EventPreHookStarted),
		completed: x.hookEvent(host.EventPreHookCompleted),
	})
	if err != nil {
		return err
	}
	x.inputPermitted = true
	x.run.Input = c.Input.Content
	x.run.Metadata = x.req.Metadata
	x.run.SessionState = mergeState(x.session.State, x.req.SessionState)
	return nil
}

// output is the point output: what its hooks leave is the answer.
func (x *execution) output(ctx context.Context) error {
	c := x.contextAt(pluginapi.PointOutput)
	c.Output = &pluginapi.Output{Content: x.run.Content}
	c, err := x.pass(ctx, point{
		context: c, required: x.agent.RequireHooks,
		started:   x.hookEvent(host.EventPostHookStarted),
		completed: x.hookEvent(host.EventPostHookCompleted),
	})
	if err != nil {
		return err
	}
	x.setAnswer(c.Output.Content)
	if x.holdsBack() {
		x.emit(host.Event{Kind: host.EventRunContent, Content: x.run.Content})
		x.emit(host.Event{Kind: host.EventRunContentCompleted})
	}
	return nil
}

// shutdown is agent_shutdown. Whatever its hooks answer, the run is over.
func (x *execution) shutdown(ctx context.Context, reason string) {
	if len(x.plan.At(pluginapi.PointAgentShutdown)) == 0 {
		return
	}
	c := x.contextAt(pluginapi.PointAgentShutdown)
	c.Summary = &pluginapi.Summary{Reason: reason}
	if _, err := x.pass(ctx, point{context: c}); err != nil {
		x.log.Warn("deny at agent_shutdown has no effect", "run_id", x.run.ID, "error", err)
	}
}

// hookEvent tells a streaming client of a blocking hook.
func (x *execution) hookEvent(kind host.EventKind) func(*hook.Hook, *pluginapi.Context) {
	if x.req.Events == nil {
		return nil
	}
	return func(h *hook.Hook, c *pluginapi.Context) {
		event := host.Event{Kind: kind, Hook: h.FullName()}
		if c.Input != nil {
			event.Input = c.Input.Content
		}
		x.emit(event)
	}
}
