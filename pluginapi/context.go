package pluginapi

import (
	"encoding/json"
	"time"
)

// Context is the document a hook gets (agent-hooks/0.1 §4). Which of the
// conditional fields are set depends on Point; Target repeats the one a
// transform may change.
type Context struct {
	Spec      string    `json:"spec"`
	Point     Point     `json:"interception_point"`
	Timestamp time.Time `json:"timestamp"`
	// Sequence strictly increases within Session.ID.
	Sequence int64   `json:"sequence"`
	Agent    Agent   `json:"agent"`
	Session  Session `json:"session"`
	// Target is the value a transform rewrites; $target is its root.
	Target json.RawMessage `json:"target"`

	AgentInit  *AgentInit  `json:"agent_init,omitempty"`
	Input      *Input      `json:"input,omitempty"`
	Model      *Model      `json:"model,omitempty"`
	Messages   []Message   `json:"messages,omitempty"`
	Tools      []Tool      `json:"tools,omitempty"`
	RequestID  string      `json:"request_id,omitempty"`
	Response   *Response   `json:"response,omitempty"`
	Usage      *Usage      `json:"usage,omitempty"`
	ToolCall   *ToolCall   `json:"tool_call,omitempty"`
	ToolResult *ToolResult `json:"tool_result,omitempty"`
	Output     *Output     `json:"output,omitempty"`
	Summary    *Summary    `json:"summary,omitempty"`

	Trace      *Trace     `json:"trace,omitempty"`
	Tenant     *Tenant    `json:"tenant,omitempty"`
	Actor      *Actor     `json:"actor,omitempty"`
	Budgets    *Budgets   `json:"budgets,omitempty"`
	Extensions Extensions `json:"extensions"`
}

// Agent names the component that runs.
type Agent struct {
	ID        string `json:"id"`
	Framework string `json:"framework"`
	Name      string `json:"name,omitempty"`
	Version   string `json:"version,omitempty"`
}

// Session is one top-level run: its id is the root run's id.
type Session struct {
	ID        string     `json:"id"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	// Turn counts the runs of the conversation, from 0.
	Turn *int `json:"turn,omitempty"`
}

// AgentInit is the target of agent_startup.
type AgentInit struct {
	ToolsRegistered []string `json:"tools_registered"`
}

// MarshalJSON writes no tools as an empty list, never as null.
func (a AgentInit) MarshalJSON() ([]byte, error) {
	type plain AgentInit
	if a.ToolsRegistered == nil {
		a.ToolsRegistered = []string{}
	}
	return json.Marshal(plain(a))
}

// Input is the target of input. Content is a JSON string or object.
type Input struct {
	Content json.RawMessage `json:"content"`
	// Role is user, system or external.
	Role string `json:"role"`
}

// Model names the model of a model point.
type Model struct {
	ID     string          `json:"id"`
	Vendor string          `json:"vendor,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
}

// Message is one item of a model request. Content is a JSON string or object.
type Message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
	// ToolCalls are what an assistant asked for; ToolCallID is the call that a
	// message of role tool answers.
	ToolCalls  []ToolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

// Tool is a tool offered to the model.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
}

// Response is the target of post_model_call. Content is a JSON string, object
// or null; ToolCalls is empty, never absent, when the model called none.
type Response struct {
	Content      json.RawMessage `json:"content"`
	ToolCalls    []ToolCall      `json:"tool_calls"`
	FinishReason string          `json:"finish_reason"`
}

// MarshalJSON writes no tool calls as an empty list, never as null.
func (r Response) MarshalJSON() ([]byte, error) {
	type plain Response
	if r.ToolCalls == nil {
		r.ToolCalls = []ToolCall{}
	}
	return json.Marshal(plain(r))
}

// Usage counts the tokens of one model call.
type Usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
}

// ToolCall is one invocation of a tool; its Args are the target of pre_tool_call.
type ToolCall struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Args        json.RawMessage `json:"args"`
	ContentHash string          `json:"content_hash,omitempty"`
}

// ToolResult carries the target of post_tool_call in Value.
type ToolResult struct {
	Value      json.RawMessage `json:"value"`
	IsError    bool            `json:"is_error"`
	DurationMS float64         `json:"duration_ms,omitempty"`
}

// Output is the target of output. Content is a JSON string or object.
type Output struct {
	Content json.RawMessage `json:"content"`
}

// Summary is the target of agent_shutdown.
type Summary struct {
	// Reason is completed, error or cancelled.
	Reason string `json:"reason"`
}

// Trace holds W3C trace ids in hex.
type Trace struct {
	TraceID string `json:"trace_id,omitempty"`
	SpanID  string `json:"span_id,omitempty"`
}

// Tenant names on whose behalf the run happens.
type Tenant struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Actor names who sent the request.
type Actor struct {
	ID string `json:"id,omitempty"`
	// Kind is human, service or agent.
	Kind string `json:"kind,omitempty"`
}

// Budgets says what the session has used so far.
type Budgets struct {
	ToolCallCount  float64 `json:"tool_call_count,omitempty"`
	TokenCount     float64 `json:"token_count,omitempty"`
	ElapsedSeconds float64 `json:"elapsed_seconds,omitempty"`
	CostUSD        float64 `json:"cost_usd,omitempty"`
}

// Extensions holds the host's own part of the context.
type Extensions struct {
	Snaphook *Extension `json:"snaphook,omitempty"`
}

// Extension is extensions.snaphook: what a hook of this host may know beside
// the agent-hooks fields.
type Extension struct {
	Run Run `json:"run"`
	// SessionID is the conversation; the contract's session is one run.
	SessionID string    `json:"session_id"`
	UserID    string    `json:"user_id,omitempty"`
	Component Component `json:"component"`
	// Input is the run's input as the hooks before this one left it.
	Input        *RunInput       `json:"input,omitempty"`
	Metadata     json.RawMessage `json:"metadata,omitempty"`
	Dependencies json.RawMessage `json:"dependencies,omitempty"`
	// Arguments are the form fields of the request the host does not know.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Config is the binding's configuration, an object.
	Config json.RawMessage `json:"config,omitempty"`
	Mode   Mode            `json:"mode"`
	// SessionState is set only with the permission session_state.
	SessionState json.RawMessage `json:"session_state,omitempty"`
	// Delivery is set only in background mode.
	Delivery *Delivery `json:"delivery,omitempty"`
}

// Run describes the run a hook is called in.
type Run struct {
	ID       string `json:"id"`
	RootID   string `json:"root_id"`
	ParentID string `json:"parent_id,omitempty"`
	// Depth is how many hooks stand between the run and a client.
	Depth      int       `json:"depth,omitempty"`
	Kind       string    `json:"kind"`
	Status     string    `json:"status"`
	Background bool      `json:"background"`
	IsContinue bool      `json:"is_continue"`
	StartedAt  time.Time `json:"started_at"`
	// Metrics is set once the model has answered.
	Metrics *Metrics `json:"metrics,omitempty"`
}

// Metrics counts the tokens of a run; Duration is in seconds.
type Metrics struct {
	InputTokens  int64   `json:"input_tokens"`
	OutputTokens int64   `json:"output_tokens"`
	TotalTokens  int64   `json:"total_tokens"`
	Duration     float64 `json:"duration"`
}

// RunInput is the input of the run.
type RunInput struct {
	Content json.RawMessage `json:"content"`
}

// Component is what runs: an agent, a team or a workflow.
type Component struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Delivery describes one attempt of a background call. A call is delivered at
// least once; IdempotencyKey is the same for all its attempts.
type Delivery struct {
	HookCallID     string `json:"hook_call_id"`
	IdempotencyKey string `json:"idempotency_key"`
	Attempt        int    `json:"attempt"`
	MaxAttempts    int    `json:"max_attempts"`
}
