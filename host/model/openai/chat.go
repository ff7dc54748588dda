package openai

import (
	"context"
	"math"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// chat speaks chat completions.
type chat struct{ config Config }

func (chat) name() string { return "OpenAIChat" }

// check finds now what the library would refuse at every request.
func (c chat) check() error {
	if err := sdk.NewReasoningValidator().Validate(c.request(model.Request{})); err != nil {
		return invalid(host.Problem{Path: "temperature", Message: err.Error()})
	}
	return nil
}

func (c chat) request(asked model.Request) sdk.ChatCompletionRequest {
	req := sdk.ChatCompletionRequest{
		Model:               c.config.ID,
		Messages:            make([]sdk.ChatCompletionMessage, 0, len(asked.Messages)),
		MaxCompletionTokens: c.config.MaxCompletionTokens,
		ResponseFormat:      c.responseFormat(asked.Schema),
		Tools:               chatTools(asked.Tools),
	}
	for _, msg := range asked.Messages {
		req.Messages = append(req.Messages, chatMessage(msg))
	}
	if t := c.config.Temperature; t != nil {
		// A zero would be left out of the request.
		req.Temperature = max(float32(*t), math.SmallestNonzeroFloat32)
	}
	return req
}

func (c chat) whole(ctx context.Context, client *sdk.Client, asked model.Request) (model.Response, error) {
	resp, err := client.CreateChatCompletion(ctx, c.request(asked))
	if err != nil {
		return model.Response{}, err
	}
	if len(resp.Choices) == 0 {
		return model.Response{}, errNoChoice
	}
	choice := resp.Choices[0]
	var calls toolCalls
	for _, call := range choice.Message.ToolCalls {
		if err := calls.add(call.ID, call.Function.Name, call.Function.Arguments); err != nil {
			return model.Response{}, err
		}
	}
	return calls.addTo(model.Response{
		Content:      textOr(choice.Message.Content, choice.Message.Refusal),
		FinishReason: string(choice.FinishReason),
		Usage:        chatUsage(&resp.Usage),
	}, asked)
}

// textOr returns the answer, or the provider's refusal to give one: that is what
// the model said.
func textOr(content, refusal string) string {
	if content == "" {
		return refusal
	}
	return content
}

func (c chat) stream(ctx context.Context, client *sdk.Client, asked model.Request, a *answer) (model.Response, error) {
	req := c.request(asked)
	req.StreamOptions = &sdk.StreamOptions{IncludeUsage: true}
	chunks, err := client.CreateChatCompletionStream(ctx, req)
	if err != nil {
		return model.Response{}, err
	}
	if err := receive(chunks, func(chunk sdk.ChatCompletionStreamResponse) (bool, error) {
		return false, a.addChunk(chunk)
	}); err != nil {
		return model.Response{}, err
	}
	return a.end()
}

func (a *answer) addChunk(chunk sdk.ChatCompletionStreamResponse) error {
	if chunk.Usage != nil {
		a.response.Usage = chatUsage(chunk.Usage)
	}
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue
		}
		if choice.FinishReason != "" {
			a.response.FinishReason = string(choice.FinishReason)
		}
		if err := a.addDelta(choice.Delta); err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) addDelta(delta sdk.ChatCompletionStreamChoiceDelta) error {
	for _, piece := range delta.ToolCalls {
		a.begin()
		if err := a.calls.addPiece(piece); err != nil {
			return err
		}
	}
	return a.say(delta.Content + delta.Refusal)
}

func chatUsage(u *sdk.Usage) host.Metrics {
	metrics := tokens(u.PromptTokens, u.CompletionTokens, u.TotalTokens)
	if d := u.PromptTokensDetails; d != nil {
		metrics.CacheReadTokens = bounded(d.CachedTokens)
	}
	if d := u.CompletionTokensDetails; d != nil {
		metrics.ReasoningTokens = bounded(d.ReasoningTokens)
	}
	return metrics
}

// tokens fills in a total that a server left out.
func tokens(input, output, total int) host.Metrics {
	m := host.Metrics{InputTokens: bounded(input), OutputTokens: bounded(output), TotalTokens: bounded(total)}
	if total == 0 {
		m.TotalTokens = m.InputTokens + m.OutputTokens
	}
	return m
}

// maxTokens is more than any answer costs. A server may count anything, and what
// the runs of a session used is summed up.
const maxTokens = 1_000_000_000

func bounded(tokens int) int64 { return int64(min(max(tokens, 0), maxTokens)) }
