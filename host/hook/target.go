package hook

import (
	"encoding/json"
	"errors"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// errTransformInvalid is a path that does not resolve, or a value that does not
// fit; errTransformForbidden a path or a point that may not be rewritten.
var (
	errTransformInvalid   = errors.New("the transform does not fit the target")
	errTransformForbidden = errors.New("the transform is not rooted at $target, or the point allows none")
	errNoTarget           = errors.New("the context has no target, or one that does not fit its point")
)

// targetDepth is how deep in a context a target can stand: the input's content
// in extensions.snaphook.input is the deepest.
const targetDepth = 3

// setTarget fills c.Target from the field of its point.
func setTarget(c *pluginapi.Context) error {
	field := targetOf(c)
	if field == nil {
		return errNoTarget
	}
	target, err := encode(field)
	if err != nil {
		return errNoTarget // the encoder's error quotes what it met
	}
	c.Target = target
	return nil
}

// targetOf returns the field of the context that a transform may change
// (agent-hooks/0.1 §3), nil when it is missing or of the wrong shape.
func targetOf(c *pluginapi.Context) any {
	switch {
	case c.Point == pluginapi.PointAgentStartup && c.AgentInit != nil:
		return c.AgentInit
	case c.Point == pluginapi.PointInput && validInput(c.Input):
		return c.Input
	case c.Point == pluginapi.PointPreModelCall && validModel(c.Model) && validMessages(c.Messages):
		return c.Messages
	case c.Point == pluginapi.PointPostModelCall && validModel(c.Model) && validResponse(c.Response):
		return c.Response
	case c.Point == pluginapi.PointPreToolCall && validToolCall(c.ToolCall):
		return c.ToolCall.Args
	case c.Point == pluginapi.PointPostToolCall && validToolCall(c.ToolCall) && validResult(c.ToolResult):
		return c.ToolResult.Value
	case c.Point == pluginapi.PointOutput && c.Output != nil && isContent(c.Output.Content):
		return c.Output
	case c.Point == pluginapi.PointAgentShutdown && validSummary(c.Summary):
		return c.Summary
	}
	return nil
}

// transformed returns a copy of c in which t has been applied to the target and
// written back to the field of the point. c stays as it is.
func transformed(c *pluginapi.Context, t *pluginapi.Transform) (*pluginapi.Context, error) {
	if !c.Point.AllowsTransform() {
		return nil, errTransformForbidden
	}
	steps, err := parsePath(t.Path)
	if err != nil {
		return nil, err
	}
	target, err := rewrite(c.Target, steps, t.Value)
	if err != nil {
		return nil, err
	}
	out := *c
	if err := errors.Join(writeBack(&out, target), setTarget(&out)); err != nil {
		return nil, errTransformInvalid
	}
	return &out, nil
}

// rewrite puts value at the place the steps lead to. Neither the value nor the
// result may break the bounds of a context.
func rewrite(target json.RawMessage, steps []step, value json.RawMessage) (json.RawMessage, error) {
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	// Decoding would replace a lone surrogate, so it is looked for before.
	if checkNesting(value, MaxContextDepth) != nil {
		return nil, errTransformInvalid
	}
	root, err := decode(target)
	if err != nil {
		return nil, errTransformInvalid
	}
	leaf, err := decode(value)
	if err != nil {
		return nil, errTransformInvalid
	}
	if root, err = replace(root, steps, leaf); err != nil {
		return nil, err
	}
	data, err := encode(root)
	if err != nil || len(data) > MaxContextBytes || checkNesting(data, MaxContextDepth-targetDepth) != nil {
		return nil, errTransformInvalid
	}
	return data, nil
}

// writeBack puts a target into a fresh value of the point's field, so that
// contexts made before keep theirs.
func writeBack(c *pluginapi.Context, target json.RawMessage) error {
	switch c.Point {
	case pluginapi.PointInput:
		return writeInput(c, target)
	case pluginapi.PointPreModelCall:
		return writeMessages(c, target)
	case pluginapi.PointPostModelCall:
		c.Response = new(pluginapi.Response)
		if err := exactly(target, c.Response, "content", "tool_calls", "finish_reason"); err != nil {
			return err
		}
	case pluginapi.PointPreToolCall:
		call := *c.ToolCall
		call.Args, call.ContentHash = target, ""
		c.ToolCall = &call
	case pluginapi.PointPostToolCall:
		result := *c.ToolResult
		result.Value = target
		c.ToolResult = &result
	case pluginapi.PointOutput:
		c.Output = new(pluginapi.Output)
		return exactly(target, c.Output, "content")
	}
	return nil
}

// writeInput also rewrites the run's input in the host's extension: no hook may
// find there what a hook before it took away.
func writeInput(c *pluginapi.Context, target json.RawMessage) error {
	c.Input = new(pluginapi.Input)
	if err := exactly(target, c.Input, "content", "role"); err != nil {
		return err
	}
	ext := *c.Extensions.Snaphook
	ext.Input = &pluginapi.RunInput{Content: c.Input.Content}
	c.Extensions.Snaphook = &ext
	return nil
}

func writeMessages(c *pluginapi.Context, target json.RawMessage) error {
	var items []json.RawMessage
	if err := json.Unmarshal(target, &items); err != nil || items == nil {
		return errTransformInvalid
	}
	c.Messages = make([]pluginapi.Message, len(items))
	for i, item := range items {
		if err := exactly(item, &c.Messages[i], "role", "content", "tool_calls?", "tool_call_id?"); err != nil {
			return err
		}
	}
	return nil
}
