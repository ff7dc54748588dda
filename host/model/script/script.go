// Package script is a model that needs no network: it answers from a file.
package script

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// Model gives the answers of a script. It is safe for concurrent use.
type Model struct{ answers []*answer }

var _ model.Model = (*Model)(nil)

// Info names the model.
func (*Model) Info() model.Info {
	return model.Info{ID: "script", Name: "Script", Provider: "Snaphook", Schemas: true}
}

// Generate gives the first answer of the script whose conditions hold. Tokens are
// words, so the same request always counts the same. A request for which there is
// no answer is a *model.Error.
func (m *Model) Generate(ctx context.Context, req model.Request, delta func(text string) error) (model.Response, error) {
	a := m.find(req)
	if a == nil {
		return model.Response{}, &model.Error{
			Type:    model.ErrorProvider,
			Message: fmt.Sprintf("the script has no answer for this request (agent %q, turn %d)", req.Agent, turn(req)),
		}
	}
	if err := a.failure(); err != nil {
		return model.Response{}, err
	}
	if err := a.say(ctx, delta); err != nil {
		return model.Response{}, err
	}
	return model.Response{Content: a.text, FinishReason: "stop", Usage: usage(req.Messages, a.text)}, nil
}

func (m *Model) find(req model.Request) *answer {
	text := lastUserText(req.Messages)
	for _, a := range m.answers {
		if a.When.holds(req, text) {
			return a
		}
	}
	return nil
}

func (w *condition) holds(req model.Request, text string) bool {
	return (w.Agent == nil || *w.Agent == req.Agent) &&
		(w.Turn == nil || *w.Turn == turn(req)) &&
		(w.Contains == nil || strings.Contains(text, *w.Contains))
}

// turn takes a request that does not count for the first.
func turn(req model.Request) int { return max(req.Turn, 1) }

func lastUserText(messages []model.Message) string {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == "user" {
			return host.Text(messages[i].Content)
		}
	}
	return ""
}

// failure is the error of a call that is to fail, as a provider's.
func (a *answer) failure() error {
	if a.Fail == nil || a.calls.Add(1) > int64(a.Fail.Times) {
		return nil
	}
	status := a.Fail.Status
	failed := &model.Error{
		Type: model.ErrorProvider, Status: status,
		Message: strings.TrimSpace(fmt.Sprintf("the model provider answered %d %s", status, http.StatusText(status))),
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		failed.Type = model.ErrorAuthentication
	case http.StatusTooManyRequests:
		failed.Type = model.ErrorRateLimit
	}
	return failed
}

// say takes its time, in equal parts before each piece of the answer.
func (a *answer) say(ctx context.Context, delta func(string) error) error {
	pieces := split(a.text, max(a.Chunks, 1))
	for _, piece := range pieces {
		if err := wait(ctx, time.Duration(a.Delay)/time.Duration(len(pieces))); err != nil {
			return fmt.Errorf("script: %w", err)
		}
		if delta == nil || piece == "" {
			continue
		}
		if err := delta(piece); err != nil {
			return err
		}
	}
	return nil
}

// wait returns the error of a context that ends, or has ended, before the time is
// over.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// split cuts text into n pieces, as equal as can be.
func split(text string, n int) []string {
	runes := []rune(text)
	pieces := make([]string, n)
	for i := range n {
		pieces[i] = string(runes[i*len(runes)/n : (i+1)*len(runes)/n])
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
