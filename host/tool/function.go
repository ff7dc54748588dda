package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// functionTimeout bounds calls of functions that say nothing about it: others wait
// for their slots. functionWait bounds how long they wait.
const (
	functionTimeout = 10 * time.Second
	functionWait    = 2 * time.Minute
)

// function is a tool that is a function of a plugin.
type function struct {
	definition host.ToolDefinition
	export     string
	plugin     *host.Plugin
	config     json.RawMessage
	box        *Box
}

var _ host.Tool = (*function)(nil)

// functions returns the tools of a plugin's active version.
func (b *Box) functions(ref host.ToolRef) ([]host.Tool, error) {
	p, err := b.config.Plugins.ActivePlugin(ref.Plugin)
	if err != nil {
		return nil, &host.Error{Code: host.CodeUnavailable, Message: fmt.Sprintf("the tools of the plugin %q cannot be used", ref.Plugin), Err: err}
	}
	if err := b.configs.check(b.config.Plugins, p, ref.Config); err != nil {
		return nil, err
	}
	found := make([]host.Tool, len(p.Manifest.Tools))
	for i, f := range p.Manifest.Tools {
		found[i] = &function{
			plugin: p, export: f.Export, config: ref.Config, box: b,
			definition: host.ToolDefinition{
				Name: f.Name, Description: f.Description, Parameters: f.Parameters,
				Idempotent: f.Idempotent || slices.Contains(ref.Idempotent, f.Name),
				Timeout:    cmp.Or(ref.Timeout, time.Duration(f.Timeout), min(b.config.Timeout, functionTimeout)),
				Wait:       functionWait,
			},
		}
	}
	return found, nil
}

// Definition implements host.Tool.
func (f *function) Definition() host.ToolDefinition { return f.definition }

// Call implements host.Tool.
func (f *function) Call(ctx context.Context, call host.ToolInvocation) (host.ToolResult, error) {
	input, err := json.Marshal(f.input(call))
	if err != nil {
		return host.ToolResult{}, fmt.Errorf("write the input of %s: %w", f.definition.Name, err)
	}
	called, err := f.box.config.Caller.Call(ctx, host.Call{
		Digest: f.plugin.Digest, Export: f.export, Input: input, Config: f.config, Timeout: f.definition.Timeout,
		Mode: pluginapi.ModeBlocking, Depth: call.Run.Depth, Tool: true, Services: call.Services,
	})
	f.log(ctx, call, called.Logs)
	if err != nil && ctx.Err() != nil {
		return host.ToolResult{}, fmt.Errorf("call %s.%s: %w", f.plugin.Name, f.definition.Name, context.Cause(ctx))
	}
	result, err := host.FunctionResult(called.Output, f.plain(ctx, call, err))
	if err != nil {
		return host.ToolResult{}, fmt.Errorf("call %s.%s: %w", f.plugin.Name, f.definition.Name, err)
	}
	return result, nil
}

// input is the document that the function gets.
func (f *function) input(call host.ToolInvocation) pluginapi.ToolInput {
	run := call.Run
	return pluginapi.ToolInput{
		Tool: f.definition.Name, CallID: call.ID, Arguments: call.Args,
		Run: pluginapi.Run{
			ID: run.ID, RootID: run.RootID, ParentID: run.ParentID, Depth: run.Depth,
			Kind: string(run.Component.Kind), Status: string(run.Status), Background: run.Background, StartedAt: run.CreatedAt.UTC(),
		},
		SessionID: run.SessionID, UserID: run.UserID, Config: f.config,
		Component: pluginapi.Component{Kind: string(run.Component.Kind), ID: run.Component.ID, Name: run.Component.Name},
	}
}

// plain says that a function trapped, and logs what the engine of the guest says of
// it: that tells a model nothing.
func (f *function) plain(ctx context.Context, call host.ToolInvocation, err error) error {
	trapped, ok := errors.AsType[*host.CallError](err)
	if !ok || trapped.Code != host.CallTrap {
		return err
	}
	f.box.config.Log.WarnContext(ctx, "tool trapped", "plugin", f.plugin.Name, "tool", f.definition.Name,
		"run_id", call.Run.ID, "call_id", call.ID, "error", err)
	return &host.CallError{Code: host.CallTrap, Message: "the function trapped", Err: err}
}

// log keeps what the guest logged: no record of the call does.
func (f *function) log(ctx context.Context, call host.ToolInvocation, lines []host.LogLine) {
	for _, line := range lines {
		f.box.config.Log.DebugContext(ctx, "tool logged", "plugin", f.plugin.Name, "tool", f.definition.Name,
			"run_id", call.Run.ID, "call_id", call.ID, "level", line.Level, "line", line.Message)
	}
}

// configs remembers which configurations were checked: each is, once for each
// version of its plugin.
type configs struct {
	mu      sync.Mutex
	checked map[string]checkedConfig
}

type checkedConfig struct {
	digest string
	err    error
}

func (c *configs) check(plugins Plugins, p *host.Plugin, config json.RawMessage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := p.Name + " " + string(config)
	if seen, ok := c.checked[key]; ok && seen.digest == p.Digest {
		return seen.err
	}
	var err error
	if problems := plugins.CheckConfig(p, config); len(problems) > 0 {
		err = &host.Error{
			Code: host.CodeConflict, Problems: problems,
			Message: fmt.Sprintf("the plugin %q does not take this configuration of its tools", p.Name),
		}
	}
	c.checked[key] = checkedConfig{digest: p.Digest, err: err}
	return err
}
