package httpapi

import (
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
)

// messageBody is a Message of AgentOS.
type messageBody struct {
	ID                string          `json:"id"`
	Content           json.RawMessage `json:"content,omitempty"`
	FromHistory       bool            `json:"from_history"`
	StopAfterToolCall bool            `json:"stop_after_tool_call"`
	Role              string          `json:"role"`
	ToolCallID        string          `json:"tool_call_id,omitempty"`
	ToolName          string          `json:"tool_name,omitempty"`
	ToolArgs          json.RawMessage `json:"tool_args,omitempty"`
	ToolCallError     *bool           `json:"tool_call_error,omitempty"`
	ToolCalls         []callBody      `json:"tool_calls,omitempty"`
	CreatedAt         int64           `json:"created_at"`
}

// callBody is what an assistant asks for, as models are told of it.
type callBody struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function functionBody `json:"function"`
}

type functionBody struct {
	Name string `json:"name"`
	// Arguments is an object as text.
	Arguments string `json:"arguments"`
}

// newMessageBody shows an object as text: clients expect nothing else of a message.
func newMessageBody(m *host.Message) messageBody {
	body := messageBody{
		ID: m.ID, Content: host.AsText(m.Content), FromHistory: m.FromHistory, Role: m.Role,
		ToolCallID: m.ToolCallID, ToolName: m.ToolName, ToolArgs: m.ToolArgs, CreatedAt: unix(m.CreatedAt),
	}
	if m.Role == "tool" {
		body.ToolCallError = &m.ToolError
	}
	for _, call := range m.ToolCalls {
		body.ToolCalls = append(body.ToolCalls, callBody{
			ID: call.ID, Type: "function",
			Function: functionBody{Name: call.Name, Arguments: string(orEmpty(call.Args))},
		})
	}
	return body
}

// newMessages are the messages of a run that has ended.
func newMessages(run *host.Run) []messageBody {
	if !run.Status.Final() {
		return nil
	}
	bodies := make([]messageBody, len(run.Messages))
	for i := range run.Messages {
		bodies[i] = newMessageBody(&run.Messages[i])
	}
	return bodies
}
