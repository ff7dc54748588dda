package engine

import (
	"bytes"
	"context"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// emitted is a point that was passed.
type emitted struct {
	occasion   hook.Occasion
	context    pluginapi.Context
	calls      []host.HookCall
	background []*hook.Hook
	// permitted is false after a deny, or when the run was cancelled meanwhile.
	permitted bool
}

// arrive counts a point, and reports its sequence and whether anything happens
// there; where nothing does its context is not built.
func (x *execution) arrive(p pluginapi.Point) (sequence int64, hooked bool) {
	return x.tree.next(), len(x.plan.At(p)) > 0 || required(x.agent, p)
}

// required reports whether the agent denies at a point without blocking hooks.
// require_hooks asks for hooks around the run, not around each of its steps.
func required(a *host.Agent, p pluginapi.Point) bool {
	return a.RequireHooks && (p == pluginapi.PointInput || p == pluginapi.PointOutput)
}

// pass calls the hooks of the context's point, remembers what they left to do,
// and returns the context they left. A deny is a *refusal.
func (x *execution) pass(ctx context.Context, c pluginapi.Context) (pluginapi.Context, error) {
	started, completed := x.hookEvents(c.Point)
	result, err := x.hooks.Emit(ctx, hook.Emission{
		Plan: x.plan, Context: c, Run: x.runRef(), Required: required(x.agent, c.Point),
		Services: x.services(), Started: started, Completed: completed,
	})
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inputPermitted {
		x.run.SessionState = x.tree.state.value()
	}
	x.emitted = append(x.emitted, emitted{
		occasion: x.occasion(c.Point, c.Sequence), context: x.withState(result), calls: result.Calls,
		background: result.Background, permitted: err == nil && !result.Denied(),
	})
	switch {
	case err != nil:
		return c, err
	case result.Denied():
		return c, &refusal{context: result.Context, verdict: result.Verdict, decider: result.Decider}
	}
	return result.Context, nil
}

// services are what guests may reach during the run.
func (x *execution) services() host.Services {
	return host.Services{SessionState: &x.tree.state, Runner: x}
}

func (x *execution) runRef() hook.RunRef {
	return hook.RunRef{ID: x.run.ID, SessionID: x.run.SessionID, Component: x.run.Component}
}

func (x *execution) occasion(p pluginapi.Point, sequence int64) hook.Occasion {
	return hook.Occasion{Run: x.runRef(), Point: p, Sequence: sequence}
}

// startup is agent_startup, once in a tree.
func (x *execution) startup(ctx context.Context) error {
	if x.inside() {
		return nil
	}
	x.opened = true
	sequence, hooked := x.arrive(pluginapi.PointAgentStartup)
	if !hooked {
		return nil
	}
	c := x.contextAt(pluginapi.PointAgentStartup, sequence)
	c.AgentInit = &pluginapi.AgentInit{ToolsRegistered: x.toolNames()}
	_, err := x.pass(ctx, c)
	return err
}

// input is the point input: what its hooks leave is the run's input, and only
// then may anything of the request be kept.
func (x *execution) input(ctx context.Context) error {
	content := x.req.Input
	if sequence, hooked := x.arrive(pluginapi.PointInput); hooked {
		c := x.contextAt(pluginapi.PointInput, sequence)
		c.Input = &pluginapi.Input{Content: content, Role: "user"}
		c.Extensions.Snaphook.Input = &pluginapi.RunInput{Content: content}
		c, err := x.pass(ctx, c)
		if err != nil {
			return err
		}
		content = c.Input.Content
	}
	x.inputPermitted = true
	x.run.Input, x.run.Metadata, x.run.SessionState = content, x.req.Metadata, x.tree.state.value()
	if x.team != nil {
		x.emitStart()
	}
	return nil
}

// output is the point output: what its hooks leave is the answer.
func (x *execution) output(ctx context.Context) error {
	content := x.draft
	if sequence, hooked := x.arrive(pluginapi.PointOutput); hooked {
		c := x.contextAt(pluginapi.PointOutput, sequence)
		c.Output = &pluginapi.Output{Content: content}
		c, err := x.pass(ctx, c)
		if err != nil {
			return err
		}
		content = c.Output.Content
	}
	if err := x.checkOutput(content); err != nil {
		return err
	}
	x.permitted = bytes.Equal(content, x.draft)
	x.run.Content, x.run.ContentType = content, x.contentType(content)
	if x.workflow == nil {
		x.run.Messages = append(x.run.Messages, x.newMessage("assistant", content))
	}
	if x.holdsBack {
		x.emit(host.Event{Kind: host.EventRunContent, Content: content, ContentType: x.run.ContentType})
		x.emit(host.Event{Kind: host.EventRunContentCompleted})
	}
	return nil
}

// shutdownTimeout bounds agent_shutdown, which goes on when the client has left.
const shutdownTimeout = 30 * time.Second

// shutdown is agent_shutdown, which follows agent_startup in every case.
// Whatever its hooks answer, the run is over. What ended it does not end them, only
// a cancel that comes while they run.
func (x *execution) shutdown(ctx context.Context) {
	if !x.opened {
		return
	}
	sequence, hooked := x.arrive(pluginapi.PointAgentShutdown)
	if !hooked {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	x.live.setInterrupt(x, cancel)
	defer x.live.setInterrupt(x, nil)
	c := x.contextAt(pluginapi.PointAgentShutdown, sequence)
	c.Summary = &pluginapi.Summary{Reason: summaryReason(x.run.Status)}
	if _, err := x.pass(ctx, c); err != nil {
		x.log.Warn("hooks of agent_shutdown change nothing any more", "run_id", x.run.ID, "error", err)
	}
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
