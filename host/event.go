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
)

// Event is one item of a run's stream. Run describes the run at that moment and
// must not be changed by the receiver.
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
}
