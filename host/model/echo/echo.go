// Package echo is a model that needs no network: it repeats the last user
// message word by word, or answers a schema with its smallest value. It never calls
// a tool.
package echo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/schema"
)

// Model repeats the last user message. The zero value is ready to use.
type Model struct{}

var _ model.Model = Model{}

// Info names the model.
func (Model) Info() model.Info {
	return model.Info{ID: "echo", Name: "Echo", Provider: "Snaphook", Schemas: true}
}

// Generate answers with the text of the last user message, one word per delta; a
// request with a schema with a small value of it. Tokens are words, so the same
// request always counts the same. A request without a user message is a
// *model.Error, and so is a schema for which no value is found.
func (Model) Generate(ctx context.Context, req model.Request, delta func(text string) error) (model.Response, error) {
	text, err := answer(req)
	if err != nil {
		return model.Response{}, err
	}
	if err := say(ctx, text, delta); err != nil {
		return model.Response{}, err
	}
	return model.Response{Content: text, FinishReason: "stop", Usage: usage(req.Messages, text)}, nil
}

func answer(req model.Request) (string, error) {
	text, ok := lastUserText(req.Messages)
	if !ok {
		return "", &model.Error{Type: model.ErrorProvider, Message: "the echo model needs a user message to repeat"}
	}
	switch {
	case req.Schema == nil:
		return text, nil
	case req.Schema.JSON == nil:
		return "{}", nil
	}
	return smallest(req.Schema.JSON)
}

func smallest(text json.RawMessage) (string, error) {
	s, err := schema.Compile(text)
	if err != nil {
		return "", fmt.Errorf("echo: %w", err)
	}
	value, err := s.Smallest()
	if err != nil {
		return "", &model.Error{Type: model.ErrorProvider, Message: "the echo model found no value that fits the schema", Err: err}
	}
	return string(value), nil
}

func say(ctx context.Context, text string, delta func(string) error) error {
	if delta == nil {
		delta = func(string) error { return nil }
	}
	for _, word := range split(text) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("echo: %w", err)
		}
		if err := delta(word); err != nil {
			return err
		}
	}
	return nil
}

func lastUserText(messages []model.Message) (string, bool) {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == "user" {
			return host.Text(messages[i].Content), true
		}
	}
	return "", false
}

// split cuts text after the white space that follows a word; the pieces joined
// are the text.
func split(text string) []string {
	var pieces []string
	start, inWord, afterWord := 0, false, false
	for i, r := range text {
		if unicode.IsSpace(r) {
			afterWord = afterWord || inWord
			inWord = false
			continue
		}
		if afterWord {
			pieces = append(pieces, text[start:i])
			start = i
		}
		inWord, afterWord = true, false
	}
	if start < len(text) {
		pieces = append(pieces, text[start:])
	}
	return pieces
}

func usage(messages []model.Message, answer string) host.Metrics {
	var in int
	for _, m := range messages {
		in += len(strings.Fields(host.Text(m.Content)))
	}
	out := len(strings.Fields(answer))
	return host.Metrics{InputTokens: int64(in), OutputTokens: int64(out), TotalTokens: int64(in + out)}
}
