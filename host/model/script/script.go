// Package script is a model that needs no network: it answers from a file.
//
// The file is a list in YAML, of which the first item whose conditions hold is the
// answer:
//
//	# All of when is optional, and so is all below respond.
//	- when: {agent: weather, contains: Oslo, turn: 1}
//	  respond:
//	    content: Let me look. # or json: any value
//	    tool_calls: # alone or beside either
//	      - {name: forecast, args: {city: Oslo, asked: "{{input}}"}}
//	- when: {after_tool: forecast, tool_result_contains: sun}
//	  respond: {content: "The forecast says: {{tool_result}}"}
//	  chunks: 3 # the pieces of a stream
//	  delay: 2s # for the whole answer
//	  fail: {status: 503, times: 1} # how the first requests fail
//
// {{input}} is the last user message, {{tool_result}} the last of what tools have
// answered since the assistant last spoke.
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
	c := read(req.Messages)
	a := m.find(req, c)
	if a == nil {
		return model.Response{}, &model.Error{
			Type:    model.ErrorProvider,
			Message: fmt.Sprintf("the script has no answer for this request (agent %q, turn %d)", req.Agent, turn(req)),
		}
	}
	if err := a.failure(); err != nil {
		return model.Response{}, err
	}
	text := a.Respond.text(c)
	if err := a.say(ctx, text, delta); err != nil {
		return model.Response{}, err
	}
	response := model.Response{Content: text, ToolCalls: a.Respond.calls(turn(req), c), FinishReason: "stop"}
	if response.ToolCalls != nil {
		response.FinishReason = "tool_calls"
	}
	response.Usage = usage(req.Messages, response)
	return response, nil
}

func (m *Model) find(req model.Request, c conversation) *answer {
	for _, a := range m.answers {
		if a.When.holds(req, c) {
			return a
		}
	}
	return nil
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
func (a *answer) say(ctx context.Context, text string, delta func(string) error) error {
	pieces := split(text, max(a.Chunks, 1))
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

// usage counts a call by its name and its arguments.
func usage(messages []model.Message, answer model.Response) host.Metrics {
	var in int
	for _, m := range messages {
		in += len(strings.Fields(host.Text(m.Content)))
	}
	out := len(strings.Fields(answer.Content))
	for _, call := range answer.ToolCalls {
		out += 1 + len(strings.Fields(string(call.Args)))
	}
	return host.Metrics{InputTokens: int64(in), OutputTokens: int64(out), TotalTokens: int64(in + out)}
}
