package openaitest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Message is one message of a request. Responses has tool calls and what came of
// them as items of their own, which are messages here all the same.
type Message struct {
	Role      string
	Content   string
	ToolCalls []ToolCall
	// ToolCallID is of role tool only.
	ToolCallID string
}

// chatRequest is a message as Chat has it.
type chatRequest struct {
	Role       string     `json:"role"`
	Content    *string    `json:"content"`
	ToolCalls  []chatCall `json:"tool_calls"`
	ToolCallID string     `json:"tool_call_id"`
}

type chatCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

func (m chatRequest) flat() Message {
	msg := Message{Role: m.Role, ToolCallID: m.ToolCallID}
	if m.Content != nil {
		msg.Content = *m.Content
	}
	for _, call := range m.ToolCalls {
		msg.ToolCalls = append(msg.ToolCalls, ToolCall{ID: call.ID, Name: call.Function.Name, Arguments: call.Function.Arguments})
	}
	return msg
}

// item is an item of the input of Responses.
type item struct {
	Type      string  `json:"type"`
	Role      string  `json:"role"`
	Content   string  `json:"content"`
	CallID    string  `json:"call_id"`
	Name      string  `json:"name"`
	Arguments string  `json:"arguments"`
	Output    *string `json:"output"`
}

// appendTo adds the item to the messages: a call to what the assistant said last.
func (i item) appendTo(messages []Message) []Message {
	switch i.Type {
	case "function_call_output":
		msg := Message{Role: "tool", ToolCallID: i.CallID}
		if i.Output != nil {
			msg.Content = *i.Output
		}
		return append(messages, msg)
	case "function_call":
		if len(messages) == 0 || messages[len(messages)-1].Role != "assistant" {
			messages = append(messages, Message{Role: "assistant"})
		}
		last := &messages[len(messages)-1]
		last.ToolCalls = append(last.ToolCalls, ToolCall{ID: i.CallID, Name: i.Name, Arguments: i.Arguments})
		return messages
	}
	return append(messages, Message{Role: i.Role, Content: i.Content})
}

// checkCalls refuses a conversation in which calls and their results do not follow
// each other, as OpenAI does.
func checkCalls(messages []Message) error {
	open := map[string]bool{}
	for _, msg := range messages {
		if msg.Role == "tool" {
			if !open[msg.ToolCallID] {
				return errors.New("messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
			}
			delete(open, msg.ToolCallID)
			continue
		}
		if len(open) > 0 {
			break
		}
		for _, call := range msg.ToolCalls {
			if len(call.ID) > 40 || !formatName.MatchString(call.Name) || open[call.ID] {
				return fmt.Errorf("invalid 'tool_calls': id %q, name %q", call.ID, call.Name)
			}
			open[call.ID] = true
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("these tool_call_ids have no response messages: %q", slices.Sorted(maps.Keys(open)))
	}
	return nil
}
