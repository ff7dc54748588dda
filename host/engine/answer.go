package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// response is what a model said, as the hooks left it.
type response struct {
	content json.RawMessage
	calls   []host.ToolCall
	// unread says by call whether the model's arguments were no object.
	unread []bool
}

// answer brings about what the run answers. It stays a draft until the hooks of
// output have permitted it.
func (x *execution) answer(ctx context.Context) (err error) {
	if x.workflow != nil {
		x.draft, err = x.walk(ctx)
	} else {
		x.draft, err = x.converse(ctx)
	}
	if err != nil {
		return err
	}
	if !x.holdsBack {
		x.emit(host.Event{Kind: host.EventRunContentCompleted})
	}
	return nil
}

// converse asks the model until it calls no more tools, and once more when its
// answer does not fit the schema.
func (x *execution) converse(ctx context.Context) (json.RawMessage, error) {
	if x.run.Messages == nil {
		x.run.Messages = x.ownMessages()
	}
	if err := x.callTools(ctx, x.from != nil); err != nil {
		return nil, err
	}
	var said response
	for x.direct == nil {
		var err error
		if said, err = x.ask(ctx, x.requestMessages(), x.offered()); err != nil {
			return nil, err
		}
		if len(said.calls) == 0 {
			break
		}
		if err := x.followCalls(ctx, said); err != nil {
			return nil, err
		}
	}
	if x.direct != nil {
		said.content = x.direct
		x.emitDirect()
	}
	if x.schema != nil {
		return x.structured(ctx, said.content)
	}
	return said.content, nil
}

// followCalls makes the calls of an answer.
func (x *execution) followCalls(ctx context.Context, said response) error {
	if len(x.run.Tools) >= x.toolCallLimit() { // none were offered
		return &fault{host.Failure{
			Type:    host.FailureToolCalls,
			Message: fmt.Sprintf("The model asked for more than the %d calls of tools a run may make.", x.toolCallLimit()),
		}}
	}
	x.addCalls(said)
	if err := x.save(ctx); err != nil {
		return err
	}
	return x.callTools(ctx, false)
}

// emitDirect streams what members answered as the run's own answer.
func (x *execution) emitDirect() {
	if x.sendsDeltas() {
		x.emit(host.Event{Kind: host.EventRunContent, Content: x.direct, ContentType: x.contentType(x.direct)})
	}
}

// offered are the tools the model may still call.
func (x *execution) offered() []model.Tool {
	if len(x.tools) == 0 || len(x.run.Tools) >= x.toolCallLimit() {
		return nil
	}
	return x.modelTools()
}

// ask sends one request, between the two points of the model.
func (x *execution) ask(ctx context.Context, messages []model.Message, tools []model.Tool) (response, error) {
	requestID := ""
	if !x.plan.Empty() {
		requestID = uuid.NewString()
	}
	messages, err := x.preModelCall(ctx, requestID, messages, tools)
	if err != nil {
		return response{}, err
	}
	x.emit(host.Event{Kind: host.EventModelRequestStarted})
	answer, err := x.generate(ctx, messages, tools)
	if err != nil {
		return response{}, err
	}
	x.count(answer.Usage)
	x.emit(host.Event{Kind: host.EventModelRequestCompleted, Metrics: &answer.Usage})
	return x.postModelCall(ctx, requestID, answer)
}

// generate calls the model; deltas go to the client unless they are held back.
func (x *execution) generate(ctx context.Context, messages []model.Message, tools []model.Tool) (model.Response, error) {
	var delta func(string) error
	if x.sendsDeltas() {
		delta = func(text string) error {
			x.emit(host.Event{Kind: host.EventRunContent, Content: host.TextContent(text)})
			return context.Cause(ctx)
		}
	}
	x.requests++
	began := x.now()
	answer, err := x.model.Generate(ctx, model.Request{
		Agent: x.agent.ID, Turn: x.requests, Messages: messages, Schema: x.modelSchema(), Tools: tools,
	}, delta)
	x.modelAsked(began, answer.Usage, err)
	if err != nil {
		return answer, fmt.Errorf("ask model: %w", err)
	}
	return answer, nil
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
func (x *execution) preModelCall(
	ctx context.Context, requestID string, request []model.Message, tools []model.Tool,
) ([]model.Message, error) {
	sequence, hooked := x.arrive(pluginapi.PointPreModelCall)
	if !hooked {
		return request, nil
	}
	c := x.contextAt(pluginapi.PointPreModelCall, sequence)
	c.Model, c.RequestID = x.modelInfo(), requestID
	c.Messages = make([]pluginapi.Message, len(request))
	for i, m := range request {
		c.Messages[i] = hookMessage(m)
	}
	for _, t := range tools {
		c.Tools = append(c.Tools, pluginapi.Tool{Name: t.Name, Description: t.Description, Schema: t.Parameters})
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

// errToolCalls is a rewritten response that asks for what a component without tools
// cannot do.
var errToolCalls = errors.New("a hook added tool calls, and there are no tools")

// postModelCall shows the hooks the answer and returns what they left.
func (x *execution) postModelCall(ctx context.Context, requestID string, r model.Response) (response, error) {
	said := response{content: host.TextContent(r.Content), calls: slices.Clone(r.ToolCalls), unread: make([]bool, len(r.ToolCalls))}
	for i := range said.calls {
		if !hook.ValidPart(said.calls[i].Args) {
			said.calls[i].Args, said.unread[i] = json.RawMessage(`{}`), true
		}
	}
	sequence, hooked := x.arrive(pluginapi.PointPostModelCall)
	if !hooked {
		return said, nil
	}
	c := x.contextAt(pluginapi.PointPostModelCall, sequence)
	c.Model, c.RequestID = x.modelInfo(), requestID
	c.Response = &pluginapi.Response{Content: said.content, FinishReason: r.FinishReason, ToolCalls: hookCalls(said.calls)}
	c.Usage = &pluginapi.Usage{PromptTokens: r.Usage.InputTokens, CompletionTokens: r.Usage.OutputTokens}
	c, err := x.pass(ctx, c)
	if err != nil {
		return response{}, err
	}
	if len(c.Response.ToolCalls) > len(said.calls) && len(x.tools) == 0 {
		return response{}, errToolCalls
	}
	return said.left(c.Response), nil
}

// left is the response as hooks left it. Calls whose arguments could not be read
// stay so, unless they were given others.
func (r response) left(by *pluginapi.Response) response {
	left := response{content: by.Content, unread: make([]bool, len(by.ToolCalls))}
	if string(by.Content) == "null" {
		left.content = host.TextContent("")
	}
	for i, c := range by.ToolCalls {
		left.calls = append(left.calls, host.ToolCall{ID: c.ID, Name: c.Name, Args: c.Args})
		for j := range r.calls {
			if r.unread[j] && r.calls[j].ID == c.ID && string(c.Args) == `{}` {
				left.unread[i] = true
			}
		}
	}
	return left
}

func hookCalls(calls []host.ToolCall) []pluginapi.ToolCall {
	shown := make([]pluginapi.ToolCall, len(calls))
	for i, c := range calls {
		shown[i] = pluginapi.ToolCall{ID: c.ID, Name: c.Name, Args: c.Args}
	}
	return shown
}

func (x *execution) modelInfo() *pluginapi.Model {
	return &pluginapi.Model{ID: x.run.Model, Vendor: x.run.ModelProvider}
}
