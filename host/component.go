package host

import "encoding/json"

// ComponentKind says what a component is.
type ComponentKind string

// The kinds.
const (
	KindAgent    ComponentKind = "agent"
	KindTeam     ComponentKind = "team"
	KindWorkflow ComponentKind = "workflow"
)

// Component names what can be run.
type Component struct {
	Kind ComponentKind `json:"kind"`
	ID   string        `json:"id"`
	Name string        `json:"name,omitempty"`
}

// Agent is a component that talks to one model.
type Agent struct {
	ID          string
	Name        string
	Description string
	Role        string
	// Instructions become the system message, one line each.
	Instructions []string
	// Markdown asks the model for Markdown.
	Markdown bool
	// Model is a name of the configuration's models.
	Model string
	// Hooks are the bindings of the configuration.
	Hooks []Binding
	// RequireHooks denies at input and output when no blocking hook is bound there.
	RequireHooks bool
	// StoreRefusedInput keeps the input of refused runs.
	StoreRefusedInput bool
	// HistoryRuns is how many earlier runs of the session the model sees; 0 none.
	HistoryRuns int
	// OutputSchema is a JSON Schema that the content of every run must fit; nil for
	// none.
	OutputSchema json.RawMessage
	// ParallelSessions lets the runs of one session go on at the same time.
	ParallelSessions bool
	// HistoryOnRequest shows them only where a request asks for it.
	HistoryOnRequest bool
	// Tools are what the agent may call, in this order.
	Tools []ToolRef
	// ToolCallLimit bounds the calls of tools in one run; 0 for MaxToolCalls.
	ToolCallLimit int
}

// MaxToolCalls is how many tools a run may call where nothing else is said.
const MaxToolCalls = 50

// Component returns the agent's name as a component.
func (a *Agent) Component() Component {
	return Component{Kind: KindAgent, ID: a.ID, Name: a.Name}
}
