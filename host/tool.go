package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// ToolRef is a source of tools as the configuration names it: functions of a
// plugin, or an MCP server. Exactly one of Plugin and MCP is set.
type ToolRef struct {
	// Plugin is the name of a plugin, whose active version is used.
	Plugin string
	// MCP is a server of the Model Context Protocol.
	MCP *MCPServer
	// Only names the tools that may be used; nil for all of them.
	Only []string
	// Config is for a plugin's tools, an object; nil for none.
	Config json.RawMessage
	// Timeout bounds each call; 0 leaves it to the tool.
	Timeout time.Duration
	// Idempotent names tools that may be called again when nobody knows what came of
	// a call, beside those that say so themselves.
	Idempotent []string
}

// MCPServer is how a server is reached: as a process over its standard streams, or
// over streamable HTTP. Exactly one of Command and URL is set.
type MCPServer struct {
	// Command is the program and its arguments; Env is added to a small environment.
	Command []string
	Env     map[string]string
	// URL is that of the server's endpoint; Headers go with each request.
	URL     string
	Headers map[string]string
}

// ToolDefinition is a tool as models and clients are told of it.
type ToolDefinition struct {
	// Name has letters, digits, - and _, at most 64.
	Name        string
	Description string
	// Parameters is a JSON Schema of an object.
	Parameters json.RawMessage
	// Idempotent is true when the tool may be called again when nobody knows what
	// came of a call.
	Idempotent bool
	// Timeout bounds a call; 0 leaves it to the engine.
	Timeout time.Duration
	// Wait is how long a call may wait for its turn before Timeout begins.
	Wait time.Duration
}

// Tool is something a component may call. It is safe for concurrent use.
type Tool interface {
	Definition() ToolDefinition
	// Call calls the tool with arguments that fit its schema. What the tool itself
	// has to say against the call is a result with IsError. An error is a failure to
	// reach the tool, or of it, and is told to the model without its causes; when
	// ctx ends it wraps ctx's cause.
	Call(ctx context.Context, call ToolInvocation) (ToolResult, error)
}

// Toolbox opens tools.
type Toolbox interface {
	// Tools returns the tools of the references in their order, as they are now. A
	// name used twice is CodeConflict; a source that cannot be asked, and never
	// could, is CodeUnavailable and named.
	Tools(ctx context.Context, refs []ToolRef) ([]Tool, error)
}

// ToolInvocation is one call of a tool.
type ToolInvocation struct {
	// ID is the call's own; it stays the same when the call is made again.
	ID string
	// Args is an object.
	Args json.RawMessage
	// Run is the run that calls; it must not be changed.
	Run *Run
	// Services are what the function of a plugin may reach, if it was granted it.
	Services Services
}

// ToolResult is what a call came to.
type ToolResult struct {
	// Value is any JSON; a model is told Text of it.
	Value   json.RawMessage
	IsError bool
}

const (
	// MaxToolResult bounds Value, in bytes.
	MaxToolResult = 1 << 20
	// MaxToolResults bounds what the tools of one run return together, in bytes as
	// its model is told. The result of a call beyond it is a failure.
	MaxToolResults = 16 << 20
)

// ToolFailure is what a tool says against a call.
func ToolFailure(message string) ToolResult {
	return ToolResult{Value: TextContent(message), IsError: true}
}

// FunctionResult is what a call of a plugin's function came to as a tool: JSON as
// it is, other text as a JSON string. The function's own error is a failure that a
// model reads; any other error is returned as it is.
func FunctionResult(output []byte, err error) (ToolResult, error) {
	var failed *CallError
	switch {
	case errors.As(err, &failed) && failed.Code == CallFailed:
		return ToolFailure(failed.Message), nil
	case err != nil:
		return ToolResult{}, err
	case !utf8.Valid(output):
		return ToolFailure("the tool answered with bytes that are not UTF-8 text"), nil
	case json.Valid(output):
		return BoundedToolResult(bytes.TrimSpace(output)), nil
	}
	return BoundedToolResult(TextContent(string(output))), nil
}

// BoundedToolResult is the value as a result, or a failure when it is larger than
// MaxToolResult.
func BoundedToolResult(value json.RawMessage) ToolResult {
	if len(value) > MaxToolResult {
		return ToolFailure(fmt.Sprintf("the tool's result has more than %d bytes", MaxToolResult))
	}
	return ToolResult{Value: value}
}

// ToolCall is a model's wish to call a tool.
type ToolCall struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Args is an object.
	Args json.RawMessage `json:"args"`
}

// ToolExecution is a call of a tool as a run keeps it.
type ToolExecution struct {
	ToolCall
	// Result is what the model was told, nil until it was.
	Result *string `json:"result,omitempty"`
	// Error is true when Result says what went wrong.
	Error bool `json:"error,omitempty"`
	// Withheld is true where hooks did not permit what the tool returned as it was.
	Withheld bool `json:"withheld,omitempty"`
	// ChildRunID is the run of the member the call went to.
	ChildRunID string    `json:"child_run_id,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	// StartedAt and FinishedAt enclose the tool's own work; zero when it never ran.
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}
