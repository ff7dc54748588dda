package host

import "encoding/json"

// Workflow is a component that runs steps, one after the other.
type Workflow struct {
	ID          string
	Name        string
	Description string
	Steps       []Step
	// The fields below are those of Agent.
	Hooks             []Binding
	RequireHooks      bool
	StoreRefusedInput bool
	// OutputSchema is what the content of the last step must fit; a component there, or
	// at the end of a condition, a router or a loop there, is asked for it.
	OutputSchema     json.RawMessage
	ParallelSessions bool
}

// Component returns the workflow's name as a component.
func (w *Workflow) Component() Component {
	return Component{Kind: KindWorkflow, ID: w.ID, Name: w.Name}
}

// StepKind says what a step does.
type StepKind string

// The kinds.
const (
	StepComponent StepKind = "component" // runs an agent or a team
	StepFunction  StepKind = "function"  // calls a function of a plugin
	StepParallel  StepKind = "parallel"  // runs all steps at once
	StepLoop      StepKind = "loop"      // runs the steps until a condition holds
	StepCondition StepKind = "condition" // runs the steps, or those of Else
	StepRouter    StepKind = "router"    // runs those of the steps that are chosen
)

// Step is one step of a workflow. Fields that are not of its kind are zero.
type Step struct {
	// Name is unique in the workflow.
	Name string
	Kind StepKind
	// Component is the agent or the team.
	Component BindingScope
	// Function is that of a plugin; it gets the arguments input, previous, steps and
	// session_state, as far as its schema has them.
	Function *StepCall
	// Steps are those of a parallel, a loop, a condition that holds, and the choices
	// of a router.
	Steps []Step
	// Else are those of a condition that does not hold.
	Else []Step
	// Decide is the until of a loop, the if of a condition, the select of a router.
	Decide Decision
	// MaxIterations bounds a loop, at most MaxIterations.
	MaxIterations int
	// OnError says what a failure of the step does; StepFail by default.
	OnError OnStepError
	// Retries is how often StepRetry tries again; at least 1 with it.
	Retries int
}

const (
	// MaxIterations bounds every loop.
	MaxIterations = 1000
	// MaxSteps bounds the steps that one run of a workflow carries out; each iteration
	// and each try counts. A run that comes to it fails, whatever OnError says.
	MaxSteps = 10_000
	// MaxStepContents bounds what a run of a workflow keeps of its steps: the last
	// content of each, in bytes together. A step beyond it fails.
	MaxStepContents = 16 << 20
)

// OnStepError says what a step that failed does to its workflow. A refusal fails
// it always.
type OnStepError string

// The choices. A step that still fails after its retries fails the workflow.
const (
	StepFail  OnStepError = "fail"
	StepSkip  OnStepError = "skip"
	StepRetry OnStepError = "retry"
)

// StepCall names a function of a plugin.
type StepCall struct {
	Plugin   string
	Function string
	// Config is the call's configuration, an object; nil for none.
	Config json.RawMessage
}

// Ref is the reference that opens the function.
func (c *StepCall) Ref() ToolRef {
	return ToolRef{Plugin: c.Plugin, Only: []string{c.Function}, Config: c.Config}
}

// Decision is an expression of the Common Expression Language over input, previous,
// steps and session_state, or a function of a plugin. Exactly one is set where a
// step decides; a loop may have none.
type Decision struct {
	CEL      string
	Function *StepCall
}

// Empty reports whether nothing decides.
func (d Decision) Empty() bool { return d.CEL == "" && d.Function == nil }

// RunStep is the step of a workflow that a run belongs to.
type RunStep struct {
	WorkflowID    string `json:"workflow_id"`
	WorkflowRunID string `json:"workflow_run_id"`
	ID            string `json:"id"`
	Name          string `json:"name"`
	// Index is the step's place, and that inside its parallel.
	Index []int `json:"index"`
}

// StepOutput is what a step came to.
type StepOutput struct {
	ID   string   `json:"id"`
	Name string   `json:"name"`
	Kind StepKind `json:"kind"`
	// Executor is the component that ran, or the function "plugin.function" with an
	// empty kind.
	Executor Component `json:"executor"`
	// Content is a JSON string or object.
	Content     json.RawMessage `json:"content,omitempty"`
	ContentType string          `json:"content_type,omitempty"`
	// RunID is the run of the component; Model, ModelProvider and Metrics are that
	// run's.
	RunID         string   `json:"run_id,omitempty"`
	Model         string   `json:"model,omitempty"`
	ModelProvider string   `json:"model_provider,omitempty"`
	Metrics       *Metrics `json:"metrics,omitempty"`
	// Error is why the step failed, empty when it did not.
	Error string `json:"error,omitempty"`
	// Steps are those inside.
	Steps []StepOutput `json:"steps,omitempty"`
}
