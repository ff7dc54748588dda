package host

import (
	"encoding/json"
	"slices"
	"time"
)

// RunStatus is the state of a run.
type RunStatus string

// The states; COMPLETED, CANCELLED and ERROR are final.
const (
	RunPending   RunStatus = "PENDING"
	RunRunning   RunStatus = "RUNNING"
	RunPaused    RunStatus = "PAUSED"
	RunCompleted RunStatus = "COMPLETED"
	RunCancelled RunStatus = "CANCELLED"
	RunError     RunStatus = "ERROR"
)

// Final reports whether a run in this state can never change again.
func (s RunStatus) Final() bool {
	return s == RunCompleted || s == RunCancelled || s == RunError
}

// Run is one execution of a component. It is stored whole; nothing in it may
// reach a store before the hooks of its point have permitted it.
type Run struct {
	ID        string `json:"id"`
	SessionID string `json:"session_id"`
	// ParentID is the run this one is inside of; or, of a top-level run, the run whose
	// hook started it; else empty.
	ParentID string `json:"parent_id,omitempty"`
	// RootID is the top-level run of the tree, the run's own id for that one.
	RootID    string    `json:"root_id"`
	UserID    string    `json:"user_id,omitempty"`
	Component Component `json:"component"`
	Status    RunStatus `json:"status"`
	// Background is true for a run whose client did not wait.
	Background bool `json:"background,omitempty"`
	// Parallel is true for a run that waits for no other of its session.
	Parallel bool `json:"parallel,omitempty"`
	// Attempt is the fence: a worker's write names the attempt it belongs to. Each
	// claim of a background run begins another, the first is 1. A run inside another
	// one has that of its root.
	Attempt int `json:"attempt"`
	// Depth is how many hooks stand between the run and a client: 0 for what a client
	// asked for, 1 for what a hook of that run started, members and steps included.
	Depth int `json:"depth,omitempty"`
	// Place orders the runs inside one run as they were asked for (ByPlace); nil for a
	// top-level run.
	Place []int `json:"place,omitempty"`
	// Step is the step of a workflow the run belongs to, nil for none.
	Step *RunStep `json:"step,omitempty"`
	// Input is a JSON string or object as the hooks left it; nil until permitted.
	Input json.RawMessage `json:"input,omitempty"`
	// Content is a JSON string or object: the answer, or why there is none.
	Content     json.RawMessage `json:"content,omitempty"`
	ContentType string          `json:"content_type,omitempty"`
	// Model is the model's id, ModelProvider who serves it.
	Model         string    `json:"model,omitempty"`
	ModelProvider string    `json:"model_provider,omitempty"`
	Messages      []Message `json:"messages,omitempty"`
	// Tools are the calls of tools, in the order the model asked for them.
	Tools []ToolExecution `json:"tools,omitempty"`
	// Steps are what the steps of a workflow came to.
	Steps []StepOutput `json:"steps,omitempty"`
	// Sealed is true where hooks of the run's output, or of an earlier point, did not
	// permit what it was about to answer as it was: what the runs inside it answered is
	// not shown with it.
	Sealed  bool    `json:"sealed,omitempty"`
	Metrics Metrics `json:"metrics"`
	// SessionState is the session's state after this run, an object.
	SessionState json.RawMessage `json:"session_state,omitempty"`
	Metadata     json.RawMessage `json:"metadata,omitempty"`
	// Failure is set when Status is ERROR.
	Failure    *Failure  `json:"failure,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	// Children are the runs inside this one, in the order of ByPlace, where they were
	// asked for; each is stored on its own.
	Children []Run `json:"-"`
}

// TopLevel reports whether the run is inside no other one: a client asked for it,
// or a hook did.
func (r *Run) TopLevel() bool { return r.RootID == r.ID }

// ByPlace compares runs inside one run: by the order of the calls and the members, or
// of the steps and their tries, that asked for them, whichever began first.
func ByPlace(a, b Run) int { return slices.Compare(a.Place, b.Place) }

// Hides reports whether what the runs inside this one answered is not to be shown:
// the run is sealed, or its host died before hooks could judge.
func (r *Run) Hides() bool {
	return r.Sealed || r.Failure != nil && r.Failure.Type == FailureHostRestarted
}

// Origin says who asked for a run.
type Origin string

// The origins. What is inside a run that a hook started is a hook's too.
const (
	OriginClient Origin = "client"
	OriginParent Origin = "parent" // a member of a team, or a step of a workflow
	OriginHook   Origin = "hook"
)

// Origin returns who asked for the run.
func (r *Run) Origin() Origin {
	switch {
	case r.Depth > 0:
		return OriginHook
	case !r.TopLevel():
		return OriginParent
	}
	return OriginClient
}

// Failure says why a run ended in ERROR.
type Failure struct {
	// Type is one of the types below, or a class of failure such as
	// model_provider_error.
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
	// Message is for the caller; it is the run's content too.
	Message string `json:"message"`
	// Data is an object; for a refusal {plugin, hook, point}.
	Data json.RawMessage `json:"data,omitempty"`
	// Refused is true when a hook denied, as opposed to a fault.
	Refused bool `json:"refused,omitempty"`
}

// The failure types the host gives.
const (
	FailureInputCheck    = "input_check_error"
	FailureOutputCheck   = "output_check_error"
	FailureHostRestarted = "host_restarted"
	FailureWorkerLost    = "worker_lost"
	FailureOutputSchema  = "output_schema_error"
	FailureTimeout       = "run_timeout"
	FailureToolCalls     = "tool_call_limit_error" // the model would not stop calling tools
	FailureTools         = "tools_unavailable_error"
	FailureStep          = "step_error"
)

// Message is one message of a run.
type Message struct {
	ID string `json:"id"`
	// Role is system, user, assistant or tool.
	Role string `json:"role"`
	// Content is a JSON string or object; nil where an assistant only calls tools.
	Content json.RawMessage `json:"content,omitempty"`
	// ToolCalls are what an assistant asks for.
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	// The four below are of role tool: which call the message answers.
	ToolCallID string          `json:"tool_call_id,omitempty"`
	ToolName   string          `json:"tool_name,omitempty"`
	ToolArgs   json.RawMessage `json:"tool_args,omitempty"`
	ToolError  bool            `json:"tool_error,omitempty"`
	// FromHistory marks a message of an earlier run; it is not stored again.
	FromHistory bool      `json:"from_history,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
}

// Metrics counts what a run used. Times are in seconds.
type Metrics struct {
	InputTokens      int64   `json:"input_tokens,omitempty"`
	OutputTokens     int64   `json:"output_tokens,omitempty"`
	TotalTokens      int64   `json:"total_tokens,omitempty"`
	ReasoningTokens  int64   `json:"reasoning_tokens,omitempty"`
	CacheReadTokens  int64   `json:"cache_read_tokens,omitempty"`
	TimeToFirstToken float64 `json:"time_to_first_token,omitempty"`
	Duration         float64 `json:"duration,omitempty"`
}

// Text returns the string in a JSON string, or the JSON itself when content is
// something else.
func Text(content json.RawMessage) string {
	var s string
	if json.Unmarshal(content, &s) == nil {
		return s
	}
	return string(content)
}

// AsText returns content as a message has it that was said: an object is its JSON
// in a JSON string.
func AsText(content json.RawMessage) json.RawMessage {
	if len(content) == 0 || content[0] != '{' {
		return content
	}
	return TextContent(string(content))
}

// TextContent returns s as a JSON string.
func TextContent(s string) json.RawMessage {
	data, err := json.Marshal(s)
	if err != nil { // a string always marshals
		panic(err)
	}
	return data
}
