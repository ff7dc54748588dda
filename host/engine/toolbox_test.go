package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
)

// work is what a function does.
type work func(ctx context.Context, call host.ToolInvocation) (host.ToolResult, error)

// function is a tool written in a test.
type function struct {
	host.ToolDefinition
	work work

	mu    sync.Mutex
	calls []host.ToolInvocation
}

func (f *function) Definition() host.ToolDefinition { return f.ToolDefinition }

func (f *function) Call(ctx context.Context, call host.ToolInvocation) (host.ToolResult, error) {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	f.mu.Unlock()
	return f.work(ctx, call)
}

// made lists the arguments of the calls.
func (f *function) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	args := []string{}
	for _, c := range f.calls {
		args = append(args, string(c.Args))
	}
	slices.Sort(args)
	return args
}

// newFunction is a tool that takes any arguments.
func newFunction(name string, work work) *function {
	return &function{work: work, ToolDefinition: host.ToolDefinition{
		Name: name, Description: "Does " + name + ".", Parameters: json.RawMessage(`{"type":"object"}`),
	}}
}

// returns is a function whose result is always the same JSON.
func returns(value string) work {
	return func(context.Context, host.ToolInvocation) (host.ToolResult, error) {
		return host.ToolResult{Value: json.RawMessage(value)}, nil
	}
}

// weather is a tool with a schema.
func weather() *function {
	f := newFunction("weather", returns(`"rain"`))
	f.Parameters = json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`)
	return f
}

// toolbox has the functions of one plugin.
type toolbox struct {
	functions []*function
	err       error
}

func (b *toolbox) Tools(_ context.Context, refs []host.ToolRef) ([]host.Tool, error) {
	if b.err != nil {
		return nil, b.err
	}
	var tools []host.Tool
	for _, ref := range refs {
		for _, f := range b.functions {
			if ref.Only == nil || slices.Contains(ref.Only, f.Name) {
				tools = append(tools, f)
			}
		}
	}
	return tools, nil
}

// calls asks for tools, each written as "id name args".
func calls(asked ...string) model.Response {
	var r model.Response
	for _, a := range asked {
		parts := strings.SplitN(a, " ", 3)
		r.ToolCalls = append(r.ToolCalls, host.ToolCall{ID: parts[0], Name: parts[1], Args: json.RawMessage(parts[2])})
	}
	return r
}

// text is a response without calls.
func text(said string) model.Response { return model.Response{Content: said} }

// lines are what each agent says, request by request; the last is repeated.
type lines map[string][]model.Response

func (l lines) script(_ context.Context, req model.Request) (model.Response, error) {
	said := l[req.Agent]
	if len(said) == 0 {
		return text(req.Agent + " says " + host.Text(req.Messages[len(req.Messages)-1].Content)), nil
	}
	r := said[min(req.Turn, len(said))-1]
	r.Usage = host.Metrics{InputTokens: 2, OutputTokens: 1, TotalTokens: 3}
	return r, nil
}

// withTools gives the agent a the functions, and the model its lines.
func (f *fixture) withTools(t *testing.T, said lines, functions ...*function) *toolbox {
	t.Helper()
	box := &toolbox{functions: functions}
	f.agent.Tools = []host.ToolRef{{Plugin: "box"}}
	f.model.script = said.script
	f.configure(t, func(c *engine.Config) { c.Tools = box })
	return box
}

// configure makes the engine anew.
func (f *fixture) configure(t *testing.T, change func(*engine.Config)) {
	t.Helper()
	change(&f.config)
	f.Engine = f.node(t, func(*engine.Config) {})
}

// told lists the events with the components they are of.
func (s *stream) told() []string {
	out := []string{}
	for _, e := range s.events {
		line := e.Run.Component.ID + " " + string(e.Kind)
		switch {
		case e.Hook != "":
			line += " " + strings.TrimSuffix(e.Hook, ".hook")
		case e.Tool != nil:
			line += " " + e.Tool.Name
		case e.Step != nil:
			line += fmt.Sprintf(" %s%v", e.Step.Name, e.Step.Index)
		}
		if e.Kind != host.EventRunContent || len(out) == 0 || out[len(out)-1] != line {
			out = append(out, line)
		}
	}
	return out
}

// streamed runs a request for a client that streams.
func (f *fixture) streamed(t *testing.T, req host.RunRequest) (host.Run, *stream) {
	t.Helper()
	s := &stream{}
	req.Events = s.send
	return f.run(t, req), s
}

// toolMessages are what the model was told of calls, "error: " before failures.
func toolMessages(run *host.Run) []string {
	out := []string{}
	for _, m := range run.Messages {
		if m.Role != "tool" {
			continue
		}
		text := host.Text(m.Content)
		if m.ToolError {
			text = "error: " + text
		}
		out = append(out, text)
	}
	return out
}
