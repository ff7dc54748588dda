package host

import (
	"encoding/json"
	"time"
)

// EventKind names an event of a run's stream in the terms of AgentOS, without
// the prefix that names the kind of component.
type EventKind string

// The events of a run.
const (
	EventRunStarted            EventKind = "RunStarted"
	EventRunContinued          EventKind = "RunContinued" // after another worker was lost
	EventPreHookStarted        EventKind = "PreHookStarted"
	EventPreHookCompleted      EventKind = "PreHookCompleted"
	EventModelRequestStarted   EventKind = "ModelRequestStarted"
	EventModelRequestCompleted EventKind = "ModelRequestCompleted"
	EventRunContent            EventKind = "RunContent"
	EventRunContentCompleted   EventKind = "RunContentCompleted"
	EventPostHookStarted       EventKind = "PostHookStarted"
	EventPostHookCompleted     EventKind = "PostHookCompleted"
	EventRunCompleted          EventKind = "RunCompleted"
	EventRunError              EventKind = "RunError"
	EventRunCancelled          EventKind = "RunCancelled"
	EventToolCallStarted       EventKind = "ToolCallStarted"
	EventToolCallCompleted     EventKind = "ToolCallCompleted"
	EventToolCallError         EventKind = "ToolCallError"
)

// The events of a workflow's steps. Those of its run are the ones above.
const (
	EventStepStarted            EventKind = "StepStarted"
	EventStepCompleted          EventKind = "StepCompleted"
	EventStepOutput             EventKind = "StepOutput" // before StepCompleted of a function
	EventStepError              EventKind = "StepError"
	EventParallelStarted        EventKind = "ParallelExecutionStarted"
	EventParallelCompleted      EventKind = "ParallelExecutionCompleted"
	EventLoopStarted            EventKind = "LoopExecutionStarted"
	EventLoopIterationStarted   EventKind = "LoopIterationStarted"
	EventLoopIterationCompleted EventKind = "LoopIterationCompleted"
	EventLoopCompleted          EventKind = "LoopExecutionCompleted"
	EventConditionStarted       EventKind = "ConditionExecutionStarted"
	EventConditionCompleted     EventKind = "ConditionExecutionCompleted"
	EventRouterStarted          EventKind = "RouterExecutionStarted"
	EventRouterCompleted        EventKind = "RouterExecutionCompleted"
)

// Event is one item of a run's stream, which holds the events of the runs inside
// it too. Run describes the run the event is of, at that moment, and must not be
// changed by the receiver.
type Event struct {
	Kind EventKind
	At   time.Time
	Run  *Run
	// Index is the event's place in the stream of a background run.
	Index int
	// Hook is "<plugin>.<hook>" for hook events.
	Hook string
	// Input is the run's input for pre-hook events, as the hook sees or left it.
	Input json.RawMessage
	// Content is the delta of RunContent, a JSON string or object; ContentType is
	// the run's where Content is an object.
	Content     json.RawMessage
	ContentType string
	// Metrics is set for ModelRequestCompleted.
	Metrics *Metrics
	// Tool is the call of a tool event, as it was then.
	Tool *ToolExecution
	// Step is set for the events of a workflow's steps.
	Step *StepEvent
}

// StepEvent is what an event tells of a step. Fields the event has no use for are
// zero.
type StepEvent struct {
	ID string `json:"id"`
	// ParentID is that of the parallel, loop, condition or router around the step.
	ParentID string `json:"parent_id,omitempty"`
	Name     string `json:"name"`
	Index    []int  `json:"index"`
	// Output is of a step that ended; Results are those of the steps inside.
	Output  *StepOutput  `json:"output,omitempty"`
	Results []StepOutput `json:"results,omitempty"`
	// Iterations are those of a loop that ended. Only the last one has contents; those
	// that an earlier worker carried out are empty.
	Iterations [][]StepOutput `json:"iterations,omitempty"`
	// Count is how many steps a parallel has; Iteration counts those of a loop from 1.
	Count         int  `json:"count,omitempty"`
	Iteration     int  `json:"iteration,omitempty"`
	MaxIterations int  `json:"max_iterations,omitempty"`
	Continues     bool `json:"continues,omitempty"`
	// Holds is what a condition came to; Selected are the names of the steps chosen.
	Holds    bool     `json:"holds,omitempty"`
	Selected []string `json:"selected,omitempty"`
	// Error is why a step failed.
	Error string `json:"error,omitempty"`
}
