package pluginapi

import "encoding/json"

// ToolFunction is an exported function that agents and workflows may call.
type ToolFunction struct {
	// Name has letters, digits, - and _, at most 64; it is unique in the plugin.
	Name string `json:"name"`
	// Export defaults to Name; a wasi-command has only ExportStart.
	Export string `json:"export,omitempty"`
	// Description is what a model reads.
	Description string `json:"description"`
	// Parameters is a JSON Schema of an object: the arguments.
	Parameters json.RawMessage `json:"parameters"`
	// Idempotent lets the host call the function again when it does not know what
	// came of a call.
	Idempotent bool `json:"idempotent,omitempty"`
	// Timeout bounds a call; the host's default when zero.
	Timeout Duration `json:"timeout,omitzero"`
}

// ToolInput is the document a tool's function gets. What it returns is the result:
// any JSON, or text.
type ToolInput struct {
	Tool string `json:"tool"`
	// CallID stays the same when a call is made again.
	CallID string `json:"call_id"`
	// Arguments is an object that fits the function's schema.
	Arguments json.RawMessage `json:"arguments"`
	Run       Run             `json:"run"`
	SessionID string          `json:"session_id"`
	UserID    string          `json:"user_id,omitempty"`
	Component Component       `json:"component"`
	// Config is the configuration of the reference to the plugin, an object.
	Config json.RawMessage `json:"config,omitempty"`
}
