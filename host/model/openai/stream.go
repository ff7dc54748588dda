package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host/model"
)

// stream sends one request and hands the answer on as it arrives.
func (m *Model) stream(ctx context.Context, req model.Request, delta func(string) error) (_ model.Response, err error) {
	request := m.request(req.Messages)
	request.StreamOptions = &sdk.StreamOptions{IncludeUsage: true}
	a := answer{start: time.Now(), delta: delta}
	chunks, err := m.client.CreateChatCompletionStream(ctx, request)
	if err != nil {
		return model.Response{}, err
	}
	defer func() {
		if closeErr := chunks.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("close stream: %w", closeErr)
		}
	}()
	for {
		chunk, err := chunks.Recv()
		if errors.Is(err, io.EOF) {
			return a.end()
		}
		if err != nil {
			return model.Response{}, fmt.Errorf("read stream: %w", err)
		}
		if err := a.add(chunk); err != nil {
			return model.Response{}, err
		}
	}
}

// answer is a stream's answer so far.
type answer struct {
	start    time.Time
	delta    func(string) error
	text     strings.Builder
	response model.Response
	// firstToken is in seconds; 0 before the first.
	firstToken float64
}

func (a *answer) add(chunk sdk.ChatCompletionStreamResponse) error {
	if chunk.Usage != nil {
		a.response.Usage = usage(chunk.Usage)
	}
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue
		}
		if choice.FinishReason != "" {
			a.response.FinishReason = string(choice.FinishReason)
		}
		if err := a.say(choice.Delta.Content + choice.Delta.Refusal); err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) say(text string) error {
	if text == "" {
		return nil
	}
	if a.firstToken == 0 {
		a.firstToken = time.Since(a.start).Seconds()
	}
	a.text.WriteString(text)
	if err := a.delta(text); err != nil {
		return &deltaError{err}
	}
	return nil
}

// end returns the whole answer. A stream that stopped before the model said why
// it finished was cut off on the way.
func (a *answer) end() (model.Response, error) {
	if a.response.FinishReason == "" {
		return model.Response{}, errCut
	}
	a.response.Content = a.text.String()
	a.response.Usage.TimeToFirstToken = a.firstToken
	return a.response, nil
}

// deltaError marks an error of the receiver, which is returned as it is.
type deltaError struct{ err error }

func (e *deltaError) Error() string { return e.err.Error() }
