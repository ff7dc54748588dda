package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the clock of every test.
var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// guest is one export: it sees the document and answers.
type guest func(ctx context.Context, call host.Call) (host.CallResult, error)

// guests is a host.Caller that answers by export and remembers the calls.
type guests struct {
	exports map[string]guest

	mu    sync.Mutex
	calls []host.Call
}

func (g *guests) Call(ctx context.Context, call host.Call) (host.CallResult, error) {
	g.mu.Lock()
	g.calls = append(g.calls, call)
	g.mu.Unlock()
	answer, ok := g.exports[call.Export]
	if !ok {
		return host.CallResult{}, &host.CallError{Code: host.CallMissingExport, Message: call.Export}
	}
	return answer(ctx, call)
}

// called lists the exports that were called, in order.
func (g *guests) called() []string {
	names := []string{}
	for _, call := range g.calls {
		names = append(names, call.Export)
	}
	return names
}

// document is the context the i-th call got.
func (g *guests) document(t *testing.T, i int) pluginapi.Context {
	t.Helper()
	var c pluginapi.Context
	if err := json.Unmarshal(g.calls[i].Input, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// says answers always the same.
func says(output string) guest {
	return func(context.Context, host.Call) (host.CallResult, error) {
		return host.CallResult{Output: []byte(output)}, nil
	}
}

// fails answers with a call error whose message is text of the guest.
func fails(code host.CallErrorCode) guest {
	return func(context.Context, host.Call) (host.CallResult, error) {
		return host.CallResult{}, &host.CallError{Code: code, Message: guestText, Err: errors.New("cause")}
	}
}

// guestText stands for what must not leave the host.
const guestText = "guest text: 078-05-1120"

const allow = `{"decision":"allow"}`

// bound is a hook of a plugin of its own name, and how it is bound.
type bound struct {
	hook    pluginapi.Hook
	binding host.Binding
	missing bool
	// inactive is a plugin that was deactivated.
	inactive bool
}

// at makes a blocking hook at a point; its export and its plugin have its name.
func at(point pluginapi.Point, name string) bound {
	return bound{
		hook:    pluginapi.Hook{Name: name, Export: name, Point: point, Mode: pluginapi.ModeBlocking},
		binding: host.Binding{Plugin: name},
	}
}

func input(name string) bound { return at(pluginapi.PointInput, name) }

func (b bound) guardrail() bound { b.hook.Guardrail = true; return b }
func (b bound) background() bound {
	b.hook.Mode = pluginapi.ModeBackground
	return b
}
func (b bound) failOpen() bound { b.binding.OnError = pluginapi.OnErrorAllow; return b }
func (b bound) config(doc string) bound {
	b.binding.Config = json.RawMessage(doc)
	return b
}

// bindings implements hook.Bindings.
type bindings []bound

func (b bindings) Resolve(host.Component, host.Origin) []host.BoundPlugin {
	var out []host.BoundPlugin
	for _, one := range b {
		resolved := host.BoundPlugin{Binding: one.binding, Inactive: one.inactive}
		if !one.missing {
			resolved.Plugin = &host.Plugin{
				Name: one.binding.Plugin, Version: "1.0.0", Digest: "sha256:" + one.binding.Plugin, Active: true,
				Manifest: pluginapi.Manifest{Hooks: []pluginapi.Hook{one.hook}},
			}
		}
		out = append(out, resolved)
	}
	return out
}

func newDispatcher(t *testing.T, g host.Caller, hooks ...bound) *hook.Dispatcher {
	t.Helper()
	d, err := hook.NewDispatcher(hook.Config{
		Caller: g, Bindings: bindings(hooks),
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// component is the agent every test runs.
var component = host.Component{Kind: host.KindAgent, ID: "a", Name: "A"}

// contextAt is a valid context for a point.
func contextAt(point pluginapi.Point) pluginapi.Context {
	text := json.RawMessage(`"hello"`)
	c := pluginapi.Context{
		Spec: pluginapi.Spec, Point: point, Timestamp: now, Sequence: 7,
		Agent: pluginapi.Agent{ID: "a", Framework: pluginapi.Framework}, Session: pluginapi.Session{ID: "root"},
		Extensions: pluginapi.Extensions{Snaphook: &pluginapi.Extension{SessionID: "s"}},
	}
	call := &pluginapi.ToolCall{ID: "c1", Name: "add", Args: json.RawMessage(`{"a":1}`), ContentHash: "sha256:0"}
	switch point {
	case pluginapi.PointAgentStartup:
		c.AgentInit = &pluginapi.AgentInit{}
	case pluginapi.PointInput:
		c.Input = &pluginapi.Input{Content: text, Role: "user"}
		c.Extensions.Snaphook.Input = &pluginapi.RunInput{Content: text}
	case pluginapi.PointPreModelCall:
		c.Model = &pluginapi.Model{ID: "m"}
		c.Messages = []pluginapi.Message{{Role: "system", Content: json.RawMessage(`"be nice"`)}, {Role: "user", Content: text}}
	case pluginapi.PointPostModelCall:
		c.Model = &pluginapi.Model{ID: "m"}
		c.Response = &pluginapi.Response{Content: text, ToolCalls: []pluginapi.ToolCall{}, FinishReason: "stop"}
	case pluginapi.PointPreToolCall:
		c.ToolCall = call
	case pluginapi.PointPostToolCall:
		c.ToolCall = call
		c.ToolResult = &pluginapi.ToolResult{Value: json.RawMessage(`{"sum":1}`)}
	case pluginapi.PointOutput:
		c.Output = &pluginapi.Output{Content: text}
	case pluginapi.PointAgentShutdown:
		c.Summary = &pluginapi.Summary{Reason: "completed"}
	}
	return c
}

// inputOf is a valid context for the point input.
func inputOf(content string) pluginapi.Context {
	c := contextAt(pluginapi.PointInput)
	c.Input.Content = json.RawMessage(content)
	c.Extensions.Snaphook.Input = &pluginapi.RunInput{Content: json.RawMessage(content)}
	return c
}

// emit passes a point with the hooks bound to the dispatcher.
func emit(t *testing.T, d *hook.Dispatcher, c pluginapi.Context) hook.Result {
	t.Helper()
	result, err := d.Emit(t.Context(), emission(d, c))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func emission(d *hook.Dispatcher, c pluginapi.Context) hook.Emission {
	return hook.Emission{
		Plan: d.Plan(component, ""), Context: c,
		Run: hook.RunRef{ID: "r", SessionID: "s", Component: component},
	}
}

// outline is what tells one record from another.
func outline(calls []host.HookCall) []string {
	lines := []string{}
	for _, call := range calls {
		line := fmt.Sprintf("%s %s", call.Hook, call.Status)
		if call.Outcome != "" {
			line += " " + string(call.Outcome)
		}
		if call.Reason != "" {
			line += " " + call.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

// transform is a verdict that rewrites path.
func transform(path, value string) guest {
	return says(fmt.Sprintf(`{"decision":"transform","transform":{"path":%q,"value":%s}}`, path, value))
}
