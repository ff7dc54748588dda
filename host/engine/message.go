package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// ownMessages are the messages of this run, to be stored with it.
func (x *execution) ownMessages() []host.Message {
	own := make([]host.Message, 0, 3) // and room for the answer
	if text := x.systemMessage(); text != "" {
		own = append(own, x.newMessage("system", host.TextContent(text)))
	}
	return append(own, x.newMessage("user", x.run.Input))
}

// requestMessages puts the history between the system message and the user's.
func (x *execution) requestMessages() []model.Message {
	own := x.run.Messages
	first := slices.IndexFunc(own, func(m host.Message) bool { return m.Role == "user" })
	all := make([]model.Message, 0, len(own)+len(x.history))
	for _, part := range [][]host.Message{own[:first], x.history, own[first:]} {
		for _, m := range part {
			all = append(all, model.Message{
				Role: m.Role, Content: m.Content, ToolCalls: m.ToolCalls, ToolCallID: m.ToolCallID,
			})
		}
	}
	return all
}

// hookMessage is a message of a request as hooks see it.
func hookMessage(m model.Message) pluginapi.Message {
	shown := pluginapi.Message{Role: m.Role, Content: m.Content, ToolCallID: m.ToolCallID}
	if shown.Content == nil { // an assistant that only calls tools
		shown.Content = host.TextContent("")
	}
	for _, c := range m.ToolCalls {
		shown.ToolCalls = append(shown.ToolCalls, pluginapi.ToolCall{ID: c.ID, Name: c.Name, Args: c.Args})
	}
	return shown
}

// modelMessage is a message as hooks left it.
func modelMessage(m pluginapi.Message) model.Message {
	left := model.Message{Role: m.Role, Content: m.Content, ToolCallID: m.ToolCallID}
	for _, c := range m.ToolCalls {
		left.ToolCalls = append(left.ToolCalls, host.ToolCall{ID: c.ID, Name: c.Name, Args: c.Args})
	}
	return left
}

func (x *execution) newMessage(role string, content json.RawMessage) host.Message {
	return host.Message{ID: uuid.NewString(), Role: role, Content: content, CreatedAt: x.now().Truncate(time.Second)}
}

// systemMessage is what an agent tells its model about itself and its answer.
func (x *execution) systemMessage() string {
	var parts []string
	a := x.agent
	if a.Description != "" {
		parts = append(parts, a.Description)
	}
	if a.Role != "" {
		parts = append(parts, "Your role: "+a.Role)
	}
	parts = append(parts, a.Instructions...)
	if x.team != nil {
		parts = append(parts, x.leaderMessage())
	}
	if a.Markdown && x.schema == nil {
		parts = append(parts, "Use Markdown to format your answers.")
	}
	if text := x.schemaText(); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n")
}
