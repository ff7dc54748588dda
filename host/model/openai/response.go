package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// responses speaks the responses interface. The provider stores nothing: the
// conversation is the host's.
type responses struct{ config Config }

func (responses) name() string { return "OpenAIResponses" }

func (r responses) request(asked model.Request) sdk.CreateResponseRequest {
	input := make([]any, 0, len(asked.Messages))
	for _, msg := range asked.Messages {
		input = append(input, inputItems(msg)...)
	}
	store := false
	req := sdk.CreateResponseRequest{
		Model: r.config.ID, Input: input, MaxOutputTokens: r.config.MaxCompletionTokens, Store: &store,
		Text: r.textConfig(asked.Schema), Tools: responseTools(asked.Tools),
	}
	if t := r.config.Temperature; t != nil {
		temperature := float32(*t)
		req.Temperature = &temperature
	}
	return req
}

func (r responses) whole(ctx context.Context, client *sdk.Client, asked model.Request) (model.Response, error) {
	resp, err := client.CreateResponse(ctx, r.request(asked))
	if err != nil {
		return model.Response{}, err
	}
	whole, calls, err := finished(&resp)
	if err != nil {
		return model.Response{}, err
	}
	return calls.addTo(whole, asked)
}

func (r responses) stream(ctx context.Context, client *sdk.Client, asked model.Request, a *answer) (model.Response, error) {
	events, err := client.CreateResponseStream(ctx, r.request(asked))
	if err != nil {
		return model.Response{}, err
	}
	if err := receive(events, a.addEvent); err != nil {
		return model.Response{}, err
	}
	return a.end()
}

// addEvent reports whether the event was the last.
func (a *answer) addEvent(event sdk.ResponseStreamEvent) (bool, error) {
	switch event.Type {
	case sdk.ResponseStreamEventOutputTextDelta, sdk.ResponseStreamEventRefusalDelta:
		return false, a.say(event.Delta)
	case sdk.ResponseStreamEventFunctionArgumentsDelta:
		a.begin() // the item has them whole when it is done
	case sdk.ResponseStreamEventOutputItemDone:
		return false, a.addItem(event.Item)
	case sdk.ResponseStreamEventCompleted, sdk.ResponseStreamEventIncomplete:
		return true, a.finish(event.Response)
	case sdk.ResponseStreamEventFailed, sdk.ResponseStreamEventError:
		return true, eventError(event)
	}
	return false, nil
}

func (a *answer) addItem(item *sdk.ResponseOutputItem) error {
	if item == nil || item.Type != functionCall {
		return nil
	}
	a.begin()
	return a.calls.add(item.CallID, item.Name, item.Arguments)
}

// finish takes the response that ends a stream, its text when the server sent no
// deltas, and its tool calls when it has them: their items are done in any order.
func (a *answer) finish(resp *sdk.CreateResponseResponse) error {
	if resp == nil {
		return errCut
	}
	whole, calls, err := finished(resp)
	if err != nil {
		return err
	}
	if len(calls.list) > 0 {
		a.calls = calls
	}
	a.response.FinishReason, a.response.Usage = whole.FinishReason, whole.Usage
	if a.text.Len() == 0 {
		return a.say(whole.Content)
	}
	return nil
}

// eventError is what a stream says went wrong: in its response, in an error of
// the usual form, or at the top of the event, as the documentation has it.
func eventError(event sdk.ResponseStreamEvent) error {
	if event.Response != nil && event.Response.Error != nil {
		return responseError(event.Response.Error)
	}
	var wrapped sdk.ErrorResponse
	if err := json.Unmarshal(event.Raw, &wrapped); err == nil && wrapped.Error != nil {
		return wrapped.Error
	}
	return &sdk.APIError{Code: event.Code, Message: event.Message}
}

func responseError(e *sdk.ResponseError) error {
	if e == nil {
		e = &sdk.ResponseError{}
	}
	return &sdk.APIError{Code: e.Code, Message: e.Message}
}

// incompleteError is an answer the provider broke off; what there is of it is
// not what was asked for.
type incompleteError struct{ reason string }

func (e *incompleteError) Error() string { return "the answer is incomplete: " + e.reason }

// finished is the answer in a response that has come to its end, and its tool calls.
func finished(resp *sdk.CreateResponseResponse) (model.Response, toolCalls, error) {
	if err := unfinished(resp); err != nil {
		return model.Response{}, toolCalls{}, err
	}
	calls, err := outputCalls(resp.Output)
	return model.Response{
		Content:      cmp.Or(outputText(resp.Output), resp.OutputText),
		FinishReason: "stop",
		Usage:        responseUsage(resp.Usage),
	}, calls, err
}

// unfinished is why a response has no answer, nil when it has one.
func unfinished(resp *sdk.CreateResponseResponse) error {
	switch resp.Status {
	case sdk.ResponseStatusCompleted:
		return nil
	case sdk.ResponseStatusFailed:
		return responseError(resp.Error)
	case sdk.ResponseStatusIncomplete:
		reason := "the provider gives no reason"
		if d := resp.IncompleteDetails; d != nil && d.Reason != "" {
			reason = d.Reason
		}
		return &incompleteError{reason}
	}
	return errUnfinished
}

// functionCall is the type of an item that calls a tool.
const functionCall = "function_call"

func outputCalls(items []any) (toolCalls, error) {
	var calls toolCalls
	for _, item := range items {
		call, _ := item.(map[string]any)
		if call["type"] != functionCall {
			continue
		}
		id, _ := call["call_id"].(string)
		name, _ := call["name"].(string)
		arguments, _ := call["arguments"].(string)
		if err := calls.add(id, name, arguments); err != nil {
			return toolCalls{}, err
		}
	}
	return calls, nil
}

// outputText joins the texts of all messages, refusals among them: they are what
// the model said. The library leaves the items as they are, because some of them
// have other forms.
func outputText(items []any) string {
	var b strings.Builder
	for _, item := range items {
		message, _ := item.(map[string]any)
		if message["type"] != "message" {
			continue
		}
		parts, _ := message["content"].([]any)
		for _, p := range parts {
			part, _ := p.(map[string]any)
			text, _ := part["text"].(string)
			refusal, _ := part["refusal"].(string)
			b.WriteString(text + refusal)
		}
	}
	return b.String()
}

func responseUsage(u *sdk.ResponseUsage) host.Metrics {
	if u == nil {
		return host.Metrics{}
	}
	metrics := tokens(u.InputTokens, u.OutputTokens, u.TotalTokens)
	if d := u.InputTokensDetails; d != nil {
		metrics.CacheReadTokens = bounded(d.CachedTokens)
	}
	if d := u.OutputTokensDetails; d != nil {
		metrics.ReasoningTokens = bounded(d.ReasoningTokens)
	}
	return metrics
}
