package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host/model"
)

var (
	errNoChoice = errors.New("the answer has no choices")
	errCut      = errors.New("the stream ended before the answer was finished")
)

// maxMessageRunes bounds what a provider's error may put into ours.
const maxMessageRunes = 400

// explain turns what send returned into what Generate promises. ctx is the
// caller's context, limited the one with the model's own deadline.
func (m *Model) explain(ctx, limited context.Context, err error) error {
	var receiver *deltaError
	if errors.As(err, &receiver) {
		return receiver.err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("generate: %w", ctx.Err())
	}
	if limited.Err() != nil {
		return &model.Error{
			Type:    model.ErrorProvider,
			Message: fmt.Sprintf("the model did not answer within %s", m.config.Timeout),
			Err:     limited.Err(),
		}
	}
	if refusal, ok := refusalOf(err); ok {
		return m.refused(refusal)
	}
	return &model.Error{Type: model.ErrorProvider, Message: transportMessage(err), Err: err}
}

// refusal is an error the provider answered with.
type refusal struct {
	status int
	code   string
	text   string
}

func refusalOf(err error) (refusal, bool) {
	var api *sdk.APIError
	if errors.As(err, &api) {
		return refusal{status: api.HTTPStatusCode, code: codeText(api), text: api.Message}, true
	}
	var req *sdk.RequestError // the body was not an OpenAI error
	if errors.As(err, &req) {
		return refusal{status: req.HTTPStatusCode, text: string(req.Body)}, true
	}
	return refusal{}, false
}

// codeText is the error's code, or its type: servers use either.
func codeText(api *sdk.APIError) string {
	if code, ok := api.Code.(string); ok && code != "" {
		return code
	}
	return api.Type
}

// refused leaves the library's error out of the chain: its text is the
// provider's, whole, and may repeat the key.
func (m *Model) refused(r refusal) *model.Error {
	text := m.clean(r.text)
	message := "the model provider answered with an error"
	if r.status != 0 {
		message = fmt.Sprintf("the model provider answered %d %s", r.status, http.StatusText(r.status))
	}
	if text != "" {
		message += ": " + text
	}
	return &model.Error{Type: r.errorType(), Status: r.status, Message: message}
}

func (r refusal) errorType() string {
	switch {
	case r.isContextLength():
		return model.ErrorContextWindow
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden, r.code == "invalid_api_key":
		return model.ErrorAuthentication
	case r.status == http.StatusTooManyRequests, r.code == "rate_limit_exceeded", r.code == "insufficient_quota":
		return model.ErrorRateLimit
	}
	return model.ErrorProvider
}

// isContextLength also reads the text: servers that imitate the protocol often
// give no code of their own.
func (r refusal) isContextLength() bool {
	if r.code == "context_length_exceeded" {
		return true
	}
	if r.status != http.StatusBadRequest && r.status != http.StatusRequestEntityTooLarge {
		return false
	}
	text := strings.ToLower(r.text)
	for _, phrase := range []string{"maximum context length", "context length exceeded", "context window", "exceeds the available context"} {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}

// clean makes the provider's text fit for a message: one line, cut, without the
// key.
func (m *Model) clean(text string) string {
	if m.config.APIKey != "" {
		text = strings.ReplaceAll(text, m.config.APIKey, "[key]")
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "�"), unprintable), " ")
	runes := []rune(text)
	if len(runes) > maxMessageRunes {
		return string(runes[:maxMessageRunes]) + "…"
	}
	return text
}

// transportMessage words a failure without addresses, which are the operator's;
// the log has the cause.
func transportMessage(err error) string {
	switch {
	case errors.Is(err, errTooLarge):
		return "the model's answer is too large"
	case errors.Is(err, errRedirect):
		return "the model server redirects elsewhere, which is not followed"
	case errors.Is(err, errNoChoice):
		return "the model's answer is empty"
	case errors.Is(err, errCut), errors.Is(err, io.ErrUnexpectedEOF):
		return "the model's answer was cut off"
	case unreachable(err):
		return "the model server could not be reached"
	}
	return "the model's answer could not be read"
}
