// Package echo is a model that needs no network: it repeats the last user
// message word by word.
package echo

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// Model repeats the last user message. The zero value is ready to use.
type Model struct{}

var _ model.Model = Model{}

// Info names the model.
func (Model) Info() model.Info {
	return model.Info{ID: "echo", Name: "Echo", Provider: "Snaphook"}
}

// Generate answers with the text of the last user message, one word per delta.
// Tokens are words, so the same request always counts the same. A request
// without a user message is a *model.Error.
func (Model) Generate(ctx context.Context, req model.Request, delta func(text string) error) (model.Response, error) {
	text, ok := lastUserText(req.Messages)
	if !ok {
		return model.Response{}, &model.Error{
			Type:    model.ErrorProvider,
			Message: "the echo model needs a user message to repeat",
		}
	}
	if err := say(ctx, text, delta); err != nil {
		return model.Response{}, err
	}
	return model.Response{Content: text, FinishReason: "stop", Usage: usage(req.Messages, text)}, nil
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
