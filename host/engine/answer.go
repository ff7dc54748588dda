package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// holdsBack reports whether no content may leave before the hooks have seen all
// of it.
func (x *execution) holdsBack() bool {
	return x.agent.RequireHooks || x.plan.Blocking(pluginapi.PointOutput) || x.plan.Blocking(pluginapi.PointPostModelCall)
}

// answer asks the model once, between its two points.
func (x *execution) answer(ctx context.Context) error {
	x.run.Messages = x.ownMessages()
	requestID := uuid.NewString()
	messages, err := x.preModelCall(ctx, requestID)
	if err != nil {
		return err
	}
	x.emit(host.Event{Kind: host.EventModelRequestStarted})
	response, err := x.generate(ctx, messages)
	if err != nil {
		return err
	}
	x.count(response)
	content, err := x.postModelCall(ctx, requestID, response)
	if err != nil {
		return err
	}
	x.run.Messages = append(x.run.Messages, x.newMessage("assistant", content))
	x.setAnswer(content)
	usage := response.Usage
	x.emit(host.Event{Kind: host.EventModelRequestCompleted, Metrics: &usage})
	if !x.holdsBack() {
		x.emit(host.Event{Kind: host.EventRunContentCompleted})
	}
	return nil
}

// generate calls the model; deltas go to the client unless they are held back.
func (x *execution) generate(ctx context.Context, messages []model.Message) (model.Response, error) {
	var delta func(string) error
	if x.req.Events != nil && !x.holdsBack() {
		delta = func(text string) error {
			x.emit(host.Event{Kind: host.EventRunContent, Content: host.TextContent(text)})
			return context.Cause(ctx)
		}
	}
	response, err := x.model.Generate(ctx, model.Request{Messages: messages}, delta)
	if err != nil {
		return response, fmt.Errorf("ask model: %w", err)
	}
	return response, nil
}

func (x *execution) count(r model.Response) {
	m := &x.run.Metrics
	m.InputTokens += r.Usage.InputTokens
	m.OutputTokens += r.Usage.OutputTokens
	m.TotalTokens += r.Usage.TotalTokens
	m.ReasoningTokens += r.Usage.ReasoningTokens
	m.CacheReadTokens += r.Usage.CacheReadTokens
	m.TimeToFirstToken = r.Usage.TimeToFirstToken
	m.Duration = x.now().Sub(x.run.CreatedAt).Seconds()
}

// setAnswer replaces the answer, also where the next turn will read it.
func (x *execution) setAnswer(content json.RawMessage) {
	x.run.Content, x.run.ContentType = content, contentType(content)
	if n := len(x.run.Messages); n > 0 && x.run.Messages[n-1].Role == "assistant" {
		x.run.Messages[n-1].Content = content
	}
}

// contentType names the type of a content as AgentOS does.
func contentType(content json.RawMessage) string {
	if len(content) > 0 && content[0] == '{' {
		return "dict"
	}
	return "str"
}

// preModelCall shows the hooks the whole request and returns what they left.
func (x *execution) preModelCall(ctx context.Context, requestID string) ([]model.Message, error) {
	c := x.contextAt(pluginapi.PointPreModelCall)
	c.Model, c.RequestID = x.modelInfo(), requestID
	c.Messages = make([]pluginapi.Message, 0, len(x.history)+len(x.run.Messages))
	for _, m := range x.requestMessages() {
		c.Messages = append(c.Messages, pluginapi.Message{Role: m.Role, Content: m.Content})
	}
	c, err := x.pass(ctx, point{context: c})
	if err != nil {
		return nil, err
	}
	messages := make([]model.Message, len(c.Messages))
	for i, m := range c.Messages {
		messages[i] = model.Message{Role: m.Role, Content: m.Content}
	}
	return messages, nil
}

// postModelCall shows the hooks the answer and returns what they left.
func (x *execution) postModelCall(ctx context.Context, requestID string, r model.Response) (json.RawMessage, error) {
	c := x.contextAt(pluginapi.PointPostModelCall)
	c.Model, c.RequestID = x.modelInfo(), requestID
	c.Response = &pluginapi.Response{
		Content: host.TextContent(r.Content), ToolCalls: []pluginapi.ToolCall{}, FinishReason: r.FinishReason,
	}
	c.Usage = &pluginapi.Usage{PromptTokens: r.Usage.InputTokens, CompletionTokens: r.Usage.OutputTokens}
	c, err := x.pass(ctx, point{context: c})
	if err != nil {
		return nil, err
	}
	if string(c.Response.Content) == "null" {
		return host.TextContent(""), nil
	}
	return c.Response.Content, nil
}

func (x *execution) modelInfo() *pluginapi.Model {
	return &pluginapi.Model{ID: x.run.Model, Vendor: x.run.ModelProvider}
}

// ownMessages are the messages of this run, to be stored with it.
func (x *execution) ownMessages() []host.Message {
	var own []host.Message
	if text := systemMessage(x.agent); text != "" {
		own = append(own, x.newMessage("system", host.TextContent(text)))
	}
	return append(own, x.newMessage("user", x.run.Input))
}

// requestMessages puts the history between the system message and the user's.
func (x *execution) requestMessages() []host.Message {
	if len(x.history) == 0 {
		return x.run.Messages
	}
	last := len(x.run.Messages) - 1
	all := append([]host.Message{}, x.run.Messages[:last]...)
	all = append(all, x.history...)
	return append(all, x.run.Messages[last])
}

func (x *execution) newMessage(role string, content json.RawMessage) host.Message {
	return host.Message{ID: uuid.NewString(), Role: role, Content: content, CreatedAt: x.now().Truncate(time.Second)}
}

// systemMessage is what an agent tells its model about itself.
func systemMessage(a *host.Agent) string {
	var parts []string
	if a.Description != "" {
		parts = append(parts, a.Description)
	}
	if a.Role != "" {
		parts = append(parts, "Your role: "+a.Role)
	}
	parts = append(parts, a.Instructions...)
	if a.Markdown {
		parts = append(parts, "Use Markdown to format your answers.")
	}
	return strings.Join(parts, "\n")
}

// mergeState lays the request's state over the session's, member by member.
func mergeState(stored, request json.RawMessage) json.RawMessage {
	if len(request) == 0 {
		return stored
	}
	merged := map[string]json.RawMessage{}
	for _, layer := range []json.RawMessage{stored, request} {
		if len(layer) == 0 {
			continue
		}
		if err := json.Unmarshal(layer, &merged); err != nil {
			return request // the stored one cannot be read; both were checked to be objects
		}
	}
	data, err := json.Marshal(merged)
	if err != nil {
		return request
	}
	return data
}
