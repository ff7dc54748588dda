package hook

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// What is wrong with a field of a point.
const (
	isMissing       = "is missing: a context at %s needs it"
	mustBeContent   = "must be text or an object"
	mustBeAnObject  = "must be an object"
	nameIsMissing   = "is missing"
	mustBeARole     = "must be user, system or external"
	mustBeAReason   = "must be completed, error or cancelled"
	mustBeARoleText = "must be a role such as user"
)

// fillPoint fills in the fields of the point (agent-hooks/0.1 §4.2). What only
// the author can know must be there.
func (x *completion) fillPoint() {
	switch x.hook.Point {
	case pluginapi.PointAgentStartup:
		x.fillStartup()
	case pluginapi.PointInput:
		x.fillInput()
	case pluginapi.PointPreModelCall:
		x.fillModel()
		x.fillMessages()
	case pluginapi.PointPostModelCall:
		x.fillModel()
		x.fillResponse()
	case pluginapi.PointPreToolCall:
		x.fillToolCall("tool_call", x.context.ToolCall)
	case pluginapi.PointPostToolCall:
		x.fillToolCall("tool_call", x.context.ToolCall)
		result := x.context.ToolResult
		x.need(result != nil && len(result.Value) > 0, "tool_result.value", isMissing, x.hook.Point)
	case pluginapi.PointOutput:
		x.fillOutput()
	case pluginapi.PointAgentShutdown:
		x.fillShutdown()
	}
}

func (x *completion) fillStartup() {
	if x.context.AgentInit == nil {
		x.context.AgentInit = &pluginapi.AgentInit{}
	}
}

func (x *completion) fillInput() {
	in, ext := x.context.Input, x.context.Extensions.Snaphook
	if in == nil || len(in.Content) == 0 {
		x.add("input.content", isMissing, x.hook.Point)
		return
	}
	fill(&in.Role, "user")
	x.need(slices.Contains(inputRoles, in.Role), "input.role", mustBeARole)
	x.need(isContent(in.Content), "input.content", mustBeContent)
	if ext.Input == nil {
		ext.Input = &pluginapi.RunInput{Content: in.Content}
	}
}

func (x *completion) fillModel() {
	if x.context.Model == nil {
		x.context.Model = &pluginapi.Model{}
	}
	fill(&x.context.Model.ID, trialModel)
}

func (x *completion) fillMessages() {
	x.need(x.context.Messages != nil, "messages", isMissing, x.hook.Point)
	for i, m := range x.context.Messages {
		x.need(m.Role != "", fmt.Sprintf("messages[%d].role", i), mustBeARoleText)
		x.need(isContent(m.Content), fmt.Sprintf("messages[%d].content", i), mustBeContent)
	}
}

func (x *completion) fillResponse() {
	r := x.context.Response
	if r == nil {
		x.add("response", isMissing, x.hook.Point)
		return
	}
	fill(&r.FinishReason, "stop")
	if r.ToolCalls == nil {
		r.ToolCalls = []pluginapi.ToolCall{}
	}
	if len(r.Content) == 0 {
		r.Content = json.RawMessage("null")
	}
	x.need(isContent(r.Content) || firstByte(r.Content) == 'n', "response.content", mustBeContent+", or null")
	for i := range r.ToolCalls {
		x.fillToolCall(fmt.Sprintf("response.tool_calls[%d]", i), &r.ToolCalls[i])
	}
}

func (x *completion) fillToolCall(path string, call *pluginapi.ToolCall) {
	if call == nil {
		x.add(path, isMissing, x.hook.Point)
		return
	}
	fill(&call.ID, trialCall)
	if len(call.Args) == 0 {
		call.Args = json.RawMessage("{}")
	}
	x.need(call.Name != "", path+".name", nameIsMissing)
	x.need(firstByte(call.Args) == '{', path+".args", mustBeAnObject)
}

func (x *completion) fillOutput() {
	out := x.context.Output
	if out == nil || len(out.Content) == 0 {
		x.add("output.content", isMissing, x.hook.Point)
		return
	}
	x.need(isContent(out.Content), "output.content", mustBeContent)
}

func (x *completion) fillShutdown() {
	if x.context.Summary == nil {
		x.context.Summary = &pluginapi.Summary{}
	}
	fill(&x.context.Summary.Reason, "completed")
	x.need(validSummary(x.context.Summary), "summary.reason", mustBeAReason)
}
