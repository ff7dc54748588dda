package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/schema"
)

// toolTimeout bounds a call of a tool that says nothing itself.
const toolTimeout = time.Minute

// tool is one that a run may call.
type tool struct {
	host.Tool
	definition host.ToolDefinition
	// parameters compiles the definition's schema once.
	parameters func() (*schema.Schema, error)
	// delegates is set where a call runs members of a team.
	delegates func(ctx context.Context, key string, args json.RawMessage) (delegated, error)
	// direct is true where what the members answer is the run's answer.
	direct bool
}

// repeatable reports whether a call may be made again when nobody knows what came of
// it. Runs inside a run go on where they were.
func (t *tool) repeatable() bool { return t.definition.Idempotent || t.delegates != nil }

// openTools finds the tools of the run's component.
func (x *execution) openTools(ctx context.Context) error {
	if len(x.agent.Tools) > 0 {
		tools, err := x.toolbox.Tools(ctx, x.agent.Tools)
		if err != nil {
			return toolsUnavailable(ctx, err)
		}
		for _, t := range tools {
			x.tools = append(x.tools, newTool(t, t.Definition()))
		}
	}
	if x.team != nil {
		x.tools = append(x.tools, x.delegation())
	}
	return nil
}

// ToolDefinitions returns what a component may call, the delegation of a team
// included. A source of tools that cannot be asked is logged and left out. It fails
// with CodeNotFound for a component that does not exist.
func (e *Engine) ToolDefinitions(ctx context.Context, scope host.BindingScope) ([]host.ToolDefinition, error) {
	s, err := e.lookup(scope)
	if err != nil {
		return nil, err
	}
	var definitions []host.ToolDefinition
	for i := range s.agent.Tools {
		tools, err := e.toolbox.Tools(ctx, s.agent.Tools[i:i+1])
		if err != nil {
			e.log.WarnContext(ctx, "list tools", "kind", scope.Kind, "component", scope.ID, "error", err)
			continue
		}
		for _, t := range tools {
			definitions = append(definitions, t.Definition())
		}
	}
	if s.team != nil {
		definitions = append(definitions, delegationOf(s.team))
	}
	return definitions, nil
}

func newTool(t host.Tool, definition host.ToolDefinition) *tool {
	return &tool{Tool: t, definition: definition, parameters: sync.OnceValues(func() (*schema.Schema, error) {
		return schema.Compile(definition.Parameters)
	})}
}

// toolsUnavailable is the end of a run whose tools cannot be told to its model.
func toolsUnavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	refused, ok := errors.AsType[*host.Error](err)
	if !ok {
		return fmt.Errorf("open tools: %w", err)
	}
	return &fault{host.Failure{Type: host.FailureTools, ID: string(refused.Code), Message: refused.Message}}
}

// tool returns the tool of that name, nil when there is none.
func (x *execution) tool(name string) *tool {
	for _, t := range x.tools {
		if t.definition.Name == name {
			return t
		}
	}
	return nil
}

// modelTools are the tools as the model is told of them.
func (x *execution) modelTools() []model.Tool {
	tools := make([]model.Tool, len(x.tools))
	for i, t := range x.tools {
		tools[i] = model.Tool{
			Name: t.definition.Name, Description: t.definition.Description, Parameters: t.definition.Parameters,
		}
	}
	return tools
}

// toolNames are for agent_startup.
func (x *execution) toolNames() []string {
	names := make([]string, len(x.tools))
	for i, t := range x.tools {
		names[i] = t.definition.Name
	}
	return names
}

// unfitArguments says why arguments are none for the tool, "" when they are.
func (t *tool) unfitArguments(args json.RawMessage) string {
	parameters, err := t.parameters()
	if err != nil {
		return "the tool's schema cannot be used"
	}
	problems := parameters.Validate(args)
	if problems == nil {
		return ""
	}
	if named := parameters.Explain(args); named != nil {
		problems = named
	}
	return listed(problems)
}

// run calls the tool within its deadline, which begins with its turn. It fails when ctx has ended.
func (t *tool) run(ctx context.Context, call host.ToolInvocation) (host.ToolResult, error) {
	limit := t.definition.Timeout
	if limit == 0 {
		limit = toolTimeout
	}
	limit += t.definition.Wait
	own, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result, err := t.Call(own, call)
	switch {
	case ctx.Err() != nil:
		return result, context.Cause(ctx)
	case err != nil && own.Err() != nil:
		return toolError("The tool did not answer within %s.", limit), nil
	case err != nil:
		return toolFailed(err), nil
	case len(result.Value) > host.MaxToolResult:
		return toolError("The tool's result has %d bytes; it may have %d.", len(result.Value), host.MaxToolResult), nil
	case !hook.ValidPart(result.Value):
		return toolError("The tool's result is not JSON "+partRule+".", hook.MaxPartDepth), nil
	}
	return result, nil
}

// toolFailed words a failure for the model, without its causes.
func toolFailed(err error) host.ToolResult {
	if refused, ok := errors.AsType[*host.Error](err); ok {
		return toolError("The tool failed: %s", refused.Message)
	}
	if failed, ok := errors.AsType[*host.CallError](err); ok {
		return toolError("The tool failed: %s", failed.Message)
	}
	return toolError("The tool failed.")
}

func toolError(format string, args ...any) host.ToolResult {
	return host.ToolResult{Value: host.TextContent(fmt.Sprintf(format, args...)), IsError: true}
}
