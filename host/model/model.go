// Package model says what a language model is. Adapters live in its folders.
package model

import (
	"context"
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
)

// Model answers requests. It is safe for concurrent use.
type Model interface {
	// Info names the model; it does no I/O.
	Info() Info
	// Generate answers one request. When delta is not nil the answer is also
	// handed to it piece by piece as it arrives, in order, from the calling
	// goroutine; an error of delta ends the call and is returned as it is. A
	// request the provider refused, or that could not be sent, is an *Error;
	// when ctx ends the error wraps ctx.Err().
	Generate(ctx context.Context, req Request, delta func(text string) error) (Response, error)
}

// Info names a model.
type Info struct {
	// ID is the provider's id, such as gpt-5.2; Name the class of adapter, such
	// as OpenAIChat; Provider who serves it, such as OpenAI.
	ID       string
	Name     string
	Provider string
	// Schemas is true when the model is told the schema of a Request by its
	// provider's means; others must be told in a message.
	Schemas bool
}

// Request is one request to a model.
type Request struct {
	// Agent is the id of the agent that asks; Turn counts the requests of its run,
	// from 1.
	Agent    string
	Turn     int
	Messages []Message
	// Schema says which form the answer is to have; nil for text. The answer is
	// to be checked all the same.
	Schema *Schema
	// Tools are what the model may call; nil for none.
	Tools []Tool
}

// Tool is a tool as a model is told of it.
type Tool struct {
	Name        string
	Description string
	// Parameters is a JSON Schema of an object.
	Parameters json.RawMessage
}

// Schema is the form of an answer.
type Schema struct {
	// Name is what the schema calls itself.
	Name string
	// JSON is a JSON Schema of an object; nil for an object of any form.
	JSON json.RawMessage
	// Strict is true when OpenAI's strict mode takes the schema.
	Strict bool
}

// Message is one message of a request.
type Message struct {
	// Role is system, user, assistant or tool.
	Role string
	// Content is a JSON string or object; nil where an assistant only calls tools.
	Content json.RawMessage
	// ToolCalls are what an assistant asked for.
	ToolCalls []host.ToolCall
	// ToolCallID is the call a message of role tool answers.
	ToolCallID string
}

// Response is a model's whole answer.
type Response struct {
	Content string
	// ToolCalls are what the model asks for, at most MaxToolCalls of MaxToolCallBytes
	// together. Each has a name and an id that no other has; Args that were no JSON
	// object are nil.
	ToolCalls    []host.ToolCall
	FinishReason string
	// Usage is zero where the provider does not count.
	Usage host.Metrics
}

// The bounds of the tool calls of a Response; beyond them the answer is an *Error.
const (
	MaxToolCalls     = 128
	MaxToolCallBytes = 1 << 20
)

// The types of an Error.
const (
	ErrorAuthentication = "model_authentication_error"
	ErrorRateLimit      = "model_rate_limit_error"
	ErrorContextWindow  = "context_window_exceeded_error"
	ErrorProvider       = "model_provider_error"
)

// Error is a request that failed at the provider or on the way to it.
type Error struct {
	// Type is one of the AgentOS error ids above.
	Type string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Message is for the caller: what the provider said, cut, without secrets.
	Message string
	Err     error
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
