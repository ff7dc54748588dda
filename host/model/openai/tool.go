package openai

import (
	"encoding/json"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

func chatTools(tools []model.Tool) []sdk.Tool {
	var list []sdk.Tool
	for _, tool := range tools {
		list = append(list, sdk.Tool{Type: sdk.ToolTypeFunction, Function: &sdk.FunctionDefinition{
			Name: tool.Name, Description: tool.Description, Parameters: parameters(tool.Parameters),
		}})
	}
	return list
}

func responseTools(tools []model.Tool) []sdk.ResponseTool {
	var list []sdk.ResponseTool
	for _, tool := range tools {
		function := sdk.NewResponseFunctionTool(sdk.FunctionDefinition{
			Name: tool.Name, Description: tool.Description, Parameters: parameters(tool.Parameters),
		})
		function.Parameters["strict"] = false // which is not the default here
		list = append(list, function)
	}
	return list
}

// parameters adds the properties that OpenAI insists on even where there are none.
func parameters(schema json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(schema, &members); err != nil || members == nil || members["properties"] != nil {
		return schema
	}
	members["properties"] = json.RawMessage("{}")
	data, err := json.Marshal(members)
	if err != nil { // what was JSON still is
		panic(err)
	}
	return data
}

func chatMessage(msg model.Message) sdk.ChatCompletionMessage {
	m := sdk.ChatCompletionMessage{Role: msg.Role, Content: host.Text(msg.Content), ToolCallID: msg.ToolCallID}
	for _, call := range msg.ToolCalls {
		m.ToolCalls = append(m.ToolCalls, sdk.ToolCall{
			ID: call.ID, Type: sdk.ToolTypeFunction,
			Function: sdk.FunctionCall{Name: toolName(call.Name), Arguments: arguments(call)},
		})
	}
	if m.Content == "" && len(m.ToolCalls) == 0 {
		m.Content = `""` // the library leaves an empty content out, which is refused
	}
	return m
}

// inputItems are the items of a message. Calls go without the ids of their items:
// with them the provider asks for the reasoning that led to them, which nobody kept.
func inputItems(msg model.Message) []any {
	text := host.Text(msg.Content)
	if msg.Role == sdk.ChatMessageRoleTool {
		return []any{sdk.ResponseFunctionCallOutput{Type: "function_call_output", CallID: msg.ToolCallID, Output: text}}
	}
	var items []any
	if text != "" || len(msg.ToolCalls) == 0 {
		items = append(items, sdk.ResponseInputMessage{Type: "message", Role: msg.Role, Content: text})
	}
	for _, call := range msg.ToolCalls {
		items = append(items, sdk.ResponseOutputItem{
			Type: functionCall, CallID: call.ID, Name: toolName(call.Name), Arguments: arguments(call),
		})
	}
	return items
}

// toolName is the name of a called tool as the protocol takes it, which what a model
// made up need not be.
func toolName(name string) string { return protocolName(name, "unknown") }

// arguments are an object even for a call that had none: some servers read them.
func arguments(call host.ToolCall) string {
	if len(call.Args) == 0 {
		return "{}"
	}
	return string(call.Args)
}
