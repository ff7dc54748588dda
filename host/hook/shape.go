package hook

import (
	"encoding/json"
	"slices"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The checks below are of the fields that agent-hooks/0.1 §4.2 wants at a point.
// They look at the type of a JSON value, not at its syntax.

// inputRoles are the roles an input may have.
var inputRoles = []string{"user", "system", "external"}

func validInput(in *pluginapi.Input) bool {
	return in != nil && slices.Contains(inputRoles, in.Role) && isContent(in.Content)
}

func validModel(m *pluginapi.Model) bool { return m != nil && m.ID != "" }

func validMessages(messages []pluginapi.Message) bool {
	return messages != nil && !slices.ContainsFunc(messages, func(m pluginapi.Message) bool {
		return m.Role == "" || !isContent(m.Content)
	})
}

func validResponse(r *pluginapi.Response) bool {
	return r != nil && r.ToolCalls != nil && (isContent(r.Content) || firstByte(r.Content) == 'n') &&
		!slices.ContainsFunc(r.ToolCalls, func(call pluginapi.ToolCall) bool { return !validToolCall(&call) })
}

func validToolCall(call *pluginapi.ToolCall) bool {
	return call != nil && call.ID != "" && call.Name != "" && firstByte(call.Args) == '{'
}

func validResult(r *pluginapi.ToolResult) bool { return r != nil && len(r.Value) > 0 }

func validSummary(s *pluginapi.Summary) bool {
	return s != nil && slices.Contains([]string{"completed", "error", "cancelled"}, s.Reason)
}

// isContent accepts what a content may be: a string or an object.
func isContent(content json.RawMessage) bool {
	first := firstByte(content)
	return first == '"' || first == '{'
}
