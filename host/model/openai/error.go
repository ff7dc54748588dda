package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host/model"
)

var (
	errNoChoice   = errors.New("the answer has no choices")
	errUnfinished = errors.New("the response is not finished")
	errCut        = errors.New("the stream ended before the answer was finished")
)

// maxMessageRunes bounds what a provider's error may put into ours.
const maxMessageRunes = 400

// explain turns what send returned into what Generate promises. ctx is the
// caller's context, limited the one with the model's own deadline.
func (m *Model) explain(ctx, limited context.Context, c *call, err error) error {
	var receiver *deltaError
	if errors.As(err, &receiver) {
		return receiver.err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("generate: %w", ctx.Err())
	}
	failed := m.failure(limited, err)
	if c.attempts > 1 {
		failed.Message += fmt.Sprintf(" (%d attempts)", c.attempts)
	}
	return failed
}

func (m *Model) failure(limited context.Context, err error) *model.Error {
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
	var incomplete *incompleteError
	if errors.As(err, &incomplete) {
		return &model.Error{Type: model.ErrorProvider, Message: "the model's answer is incomplete: " + m.clean(incomplete.reason)}
	}
	return &model.Error{Type: model.ErrorProvider, Message: transportMessage(err), Err: err}
}

// refusal is an error the provider answered with. Servers tell it apart by code,
// by kind or by both; status is 0 for one that came inside an answer.
type refusal struct {
	status int
	code   string
	kind   string
	text   string
}

// is reports whether the refusal has one of those codes.
func (r refusal) is(codes ...string) bool {
	return slices.Contains(codes, r.code) || slices.Contains(codes, r.kind)
}

func refusalOf(err error) (refusal, bool) {
	var req *sdk.RequestError // the body was not an OpenAI error; half of one may be in its chain
	if errors.As(err, &req) {
		return refusal{status: req.HTTPStatusCode, text: string(req.Body)}, true
	}
	var api *sdk.APIError
	if errors.As(err, &api) {
		code, _ := api.Code.(string)
		return refusal{status: api.HTTPStatusCode, code: code, kind: api.Type, text: api.Message}, true
	}
	return refusal{}, false
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
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden, r.is("invalid_api_key"):
		return model.ErrorAuthentication
	case r.status == http.StatusTooManyRequests, r.isRateLimit(), r.isQuota():
		return model.ErrorRateLimit
	}
	return model.ErrorProvider
}

func (r refusal) isRateLimit() bool { return r.is("rate_limit_exceeded", "too_many_requests") }

// isQuota tells what the account lacks from what the moment lacks: both are 429.
func (r refusal) isQuota() bool { return r.is("insufficient_quota", "billing_not_active") }

// temporary reports whether the same request may be answered later.
func (r refusal) temporary() bool {
	switch {
	case r.isQuota():
		return false
	case r.status == 0:
		return r.isRateLimit() || r.is("server_error")
	case r.status == http.StatusRequestTimeout, r.status == http.StatusConflict, r.status == http.StatusTooManyRequests:
		return true
	}
	return r.status >= http.StatusInternalServerError
}

// isContextLength also reads the text: servers that imitate the protocol often
// give no code of their own.
func (r refusal) isContextLength() bool {
	if r.is("context_length_exceeded") {
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

// minHiddenKey is the length in bytes of the shortest key that is hidden. Local
// servers are given keys such as "none", which stand in ordinary text.
const minHiddenKey = 8

// clean makes the provider's text fit for a message: one line, cut, without the
// key.
func (m *Model) clean(text string) string {
	if len(m.config.APIKey) >= minHiddenKey {
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
	case errors.Is(err, errTooManyCalls):
		return fmt.Sprintf("the model asks for more than %d tool calls at once", model.MaxToolCalls)
	case errors.Is(err, errCallsTooLarge):
		return fmt.Sprintf("the model's tool calls are larger than %d KiB", model.MaxToolCallBytes>>10)
	case errors.Is(err, errNamelessCall):
		return "the model asks for a tool without a name"
	case errors.Is(err, sdk.ErrReasoningToolsRequireResponses):
		return "this model takes tools only with api: responses"
	case errors.Is(err, errRedirect):
		return "the model server redirects elsewhere, which is not followed"
	case errors.Is(err, errUnfinished):
		return "the model's answer is not finished"
	case errors.Is(err, errNoChoice):
		return "the model's answer is empty"
	case errors.Is(err, errCut), errors.Is(err, io.ErrUnexpectedEOF):
		return "the model's answer was cut off"
	case unreachable(err):
		return "the model server could not be reached"
	}
	return "the model's answer could not be read"
}
