package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// toolCall is one call while it goes on.
type toolCall struct {
	*execution
	tool *tool // nil where there is none of that name
	// key names the call among those of the run, place is where the model's are.
	key   string
	place int
	done  host.ToolExecution
	// value is the result, and the members' content where the call delegated.
	value json.RawMessage
	// denied is set when a hook denied the call or its result.
	denied *refusal
}

// make carries the call out and keeps what the model is told of it. It fails when
// the run is to end.
func (c *toolCall) make(ctx context.Context) error {
	result, err := c.result(ctx)
	if err == nil {
		c.end(result)
	}
	return err
}

// result is what the call comes to between the two points of tools.
func (c *toolCall) result(ctx context.Context) (host.ToolResult, error) {
	refused := c.refuse()
	if refused == nil {
		var err error
		if refused, err = c.before(ctx); err != nil {
			return host.ToolResult{}, err
		}
	}
	if refused != nil {
		return *refused, nil
	}
	c.emit(host.Event{Kind: host.EventToolCallStarted, Tool: c.shown()})
	result, err := c.execute(ctx)
	if err != nil {
		return result, err
	}
	return c.after(ctx, result)
}

// refuse returns why the call cannot be made, nil when it can.
func (c *toolCall) refuse() *host.ToolResult {
	if c.tool == nil {
		refused := toolError("There is no tool %q.", c.done.Name)
		return &refused
	}
	if why := c.tool.unfitArguments(c.done.Args); why != "" {
		refused := toolError("The arguments do not fit the tool's schema: %s", why)
		return &refused
	}
	return nil
}

// end keeps what the model is told.
func (c *toolCall) end(result host.ToolResult) {
	if c.done.StartedAt.IsZero() { // clients know calls by their start
		c.emit(host.Event{Kind: host.EventToolCallStarted, Tool: c.shown()})
	}
	text := host.Text(result.Value)
	if !c.room(len(text)) {
		result = toolError("The results of the run's tools have more than %d bytes together: the tool worked, but its result was not kept.", host.MaxToolResults)
		text = host.Text(result.Value)
	}
	c.value, c.done.Result, c.done.Error = result.Value, &text, result.IsError
	c.emitToolEnd(c.shown())
}

// emitToolEnd tells that a call has ended. One that failed is completed too: there
// are clients that wait for that.
func (x *execution) emitToolEnd(done *host.ToolExecution) {
	x.emit(host.Event{Kind: host.EventToolCallCompleted, Tool: done})
	if done.Error {
		x.emit(host.Event{Kind: host.EventToolCallError, Tool: done})
	}
}

// shown is the call as events show it: without what members answered while the
// hooks of an output have yet to judge.
func (c *toolCall) shown() *host.ToolExecution {
	shown := c.done
	if c.tool != nil && c.tool.delegates != nil && (c.judged || c.covered) && shown.Result != nil {
		shown.Result = new(string)
	}
	return &shown
}

// execute has the tool work.
func (c *toolCall) execute(ctx context.Context) (host.ToolResult, error) {
	c.done.StartedAt = c.now()
	defer func() { c.done.FinishedAt = c.now() }()
	if c.tool.delegates != nil {
		came, err := c.tool.delegates(ctx, c.key, c.done.Args)
		c.done.ChildRunID = came.runID
		return came.result, err
	}
	caller := c.snapshotRun()
	return c.tool.run(ctx, host.ToolInvocation{
		ID: c.run.ID + "/" + c.key, Args: c.done.Args, Run: &caller, Services: c.services(),
	})
}

// before shows the hooks the arguments and takes what they left. What they deny, or
// leave unfit, is the call's result.
func (c *toolCall) before(ctx context.Context) (*host.ToolResult, error) {
	sequence, hooked := c.arrive(pluginapi.PointPreToolCall)
	if !hooked {
		return nil, nil
	}
	doc := c.contextAt(pluginapi.PointPreToolCall, sequence)
	doc.ToolCall = c.hookCall()
	doc, err := c.pass(ctx, doc)
	if errors.As(err, &c.denied) {
		result := toolError("The call was denied: %s", c.denied.failure().Message)
		return &result, nil
	}
	if err != nil {
		return nil, err
	}
	c.done.Args = doc.ToolCall.Args
	return c.refuse(), nil
}

// after shows the hooks the result and returns what they left. What they deny is
// thrown away.
func (c *toolCall) after(ctx context.Context, result host.ToolResult) (host.ToolResult, error) {
	sequence, hooked := c.arrive(pluginapi.PointPostToolCall)
	if !hooked {
		return result, nil
	}
	doc := c.contextAt(pluginapi.PointPostToolCall, sequence)
	doc.ToolCall = c.hookCall()
	doc.ToolResult = &pluginapi.ToolResult{
		Value: result.Value, IsError: result.IsError,
		DurationMS: float64(c.done.FinishedAt.Sub(c.done.StartedAt).Microseconds()) / 1000,
	}
	doc, err := c.pass(ctx, doc)
	if errors.As(err, &c.denied) {
		c.done.Withheld = true
		return toolError("The result was withheld: %s", c.denied.failure().Message), nil
	}
	if err != nil {
		return result, err
	}
	c.done.Withheld = !bytes.Equal(doc.ToolResult.Value, result.Value)
	return host.ToolResult{Value: doc.ToolResult.Value, IsError: result.IsError}, nil
}

func (c *toolCall) hookCall() *pluginapi.ToolCall {
	return &pluginapi.ToolCall{ID: c.done.ID, Name: c.done.Name, Args: c.done.Args}
}
