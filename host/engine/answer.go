package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// answer asks the model, and once more when its answer does not fit the schema.
// What it says stays a draft until the hooks of output have permitted it.
func (x *execution) answer(ctx context.Context) error {
	x.run.Messages = x.ownMessages()
	said, err := x.ask(ctx, x.requestMessages())
	if err == nil && x.schema != nil {
		said, err = x.structured(ctx, said)
	}
	if err != nil {
		return err
	}
	x.draft = said
	if !x.holdsBack {
		x.emit(host.Event{Kind: host.EventRunContentCompleted})
	}
	return nil
}

// ask sends one request, between the two points of the model.
func (x *execution) ask(ctx context.Context, messages []model.Message) (json.RawMessage, error) {
	requestID := ""
	if !x.plan.Empty() {
		requestID = uuid.NewString()
	}
	messages, err := x.preModelCall(ctx, requestID, messages)
	if err != nil {
		return nil, err
	}
	x.emit(host.Event{Kind: host.EventModelRequestStarted})
	response, err := x.generate(ctx, messages)
	if err != nil {
		return nil, err
	}
	x.count(response.Usage)
	x.emit(host.Event{Kind: host.EventModelRequestCompleted, Metrics: &response.Usage})
	return x.postModelCall(ctx, requestID, response)
}

// generate calls the model; deltas go to the client unless they are held back.
func (x *execution) generate(ctx context.Context, messages []model.Message) (model.Response, error) {
	var delta func(string) error
	if x.sendsDeltas() {
		delta = func(text string) error {
			x.emit(host.Event{Kind: host.EventRunContent, Content: host.TextContent(text)})
			return context.Cause(ctx)
		}
	}
	x.requests++
	began := x.now()
	response, err := x.model.Generate(ctx, model.Request{
		Agent: x.agent.ID, Turn: x.requests, Messages: messages, Schema: x.modelSchema(),
	}, delta)
	x.asked(began, response.Usage, err)
	if err != nil {
		return response, fmt.Errorf("ask model: %w", err)
	}
	return response, nil
}

func (x *execution) count(usage host.Metrics) {
	m := &x.run.Metrics
	m.InputTokens += usage.InputTokens
	m.OutputTokens += usage.OutputTokens
	m.TotalTokens += usage.TotalTokens
	m.ReasoningTokens += usage.ReasoningTokens
	m.CacheReadTokens += usage.CacheReadTokens
	m.TimeToFirstToken = usage.TimeToFirstToken
	m.Duration = x.now().Sub(x.startedAt).Seconds()
}

// preModelCall shows the hooks the whole request and returns what they left.
func (x *execution) preModelCall(ctx context.Context, requestID string, request []model.Message) ([]model.Message, error) {
	if !x.arrive(pluginapi.PointPreModelCall) {
		return request, nil
	}
	c := x.contextAt(pluginapi.PointPreModelCall)
	c.Model, c.RequestID = x.modelInfo(), requestID
	c.Messages = make([]pluginapi.Message, len(request))
	for i, m := range request {
		c.Messages[i] = hookMessage(m)
	}
	c, err := x.pass(ctx, c)
	if err != nil {
		return nil, err
	}
	request = make([]model.Message, len(c.Messages))
	for i, m := range c.Messages {
		request[i] = modelMessage(m)
	}
	return request, nil
}

// errToolCalls is a rewritten response that asks for what an agent without tools
// cannot do.
var errToolCalls = errors.New("a hook added tool calls, and the agent has no tools")

// postModelCall shows the hooks the answer and returns what they left.
func (x *execution) postModelCall(ctx context.Context, requestID string, r model.Response) (json.RawMessage, error) {
	content := host.TextContent(r.Content)
	if !x.arrive(pluginapi.PointPostModelCall) {
		return content, nil
	}
	c := x.contextAt(pluginapi.PointPostModelCall)
	c.Model, c.RequestID = x.modelInfo(), requestID
	c.Response = &pluginapi.Response{Content: content, ToolCalls: []pluginapi.ToolCall{}, FinishReason: r.FinishReason}
	c.Usage = &pluginapi.Usage{PromptTokens: r.Usage.InputTokens, CompletionTokens: r.Usage.OutputTokens}
	c, err := x.pass(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case len(c.Response.ToolCalls) > 0:
		return nil, errToolCalls
	case string(c.Response.Content) == "null":
		return host.TextContent(""), nil
	}
	return c.Response.Content, nil
}

func (x *execution) modelInfo() *pluginapi.Model {
	return &pluginapi.Model{ID: x.run.Model, Vendor: x.run.ModelProvider}
}
