package httpapi

import (
	"cmp"
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
)

// eventHead is what every event of an agent's or a team's run begins with.
type eventHead struct {
	CreatedAt   int64  `json:"created_at"`
	Event       string `json:"event"`
	AgentID     string `json:"agent_id,omitempty"`
	AgentName   string `json:"agent_name,omitempty"`
	TeamID      string `json:"team_id,omitempty"`
	TeamName    string `json:"team_name,omitempty"`
	RunID       string `json:"run_id,omitempty"`
	ParentRunID string `json:"parent_run_id,omitempty"`
	SessionID   string `json:"session_id,omitempty"`
	stepHead
	NestedDepth int `json:"nested_depth"`
}

// stepHead names the step of a workflow the run belongs to.
type stepHead struct {
	WorkflowID    string `json:"workflow_id,omitempty"`
	WorkflowRunID string `json:"workflow_run_id,omitempty"`
	StepID        string `json:"step_id,omitempty"`
	StepName      string `json:"step_name,omitempty"`
	StepIndex     any    `json:"step_index,omitempty"`
}

// modelEvent names the model: RunStarted and ModelRequestStarted.
type modelEvent struct {
	eventHead
	Model         string `json:"model,omitempty"`
	ModelProvider string `json:"model_provider,omitempty"`
}

// usageEvent is ModelRequestCompleted; its counters are there when they are 0.
type usageEvent struct {
	modelEvent
	InputTokens      int64   `json:"input_tokens"`
	OutputTokens     int64   `json:"output_tokens"`
	TotalTokens      int64   `json:"total_tokens"`
	TimeToFirstToken float64 `json:"time_to_first_token,omitempty"`
	ReasoningTokens  int64   `json:"reasoning_tokens"`
	CacheReadTokens  int64   `json:"cache_read_tokens"`
	CacheWriteTokens int64   `json:"cache_write_tokens"`
}

// contentEvent is RunContent. Only that of agents has WorkflowAgent.
type contentEvent struct {
	eventHead
	Content          json.RawMessage `json:"content"`
	WorkflowAgent    *bool           `json:"workflow_agent,omitempty"`
	ContentType      string          `json:"content_type"`
	ReasoningContent string          `json:"reasoning_content"`
}

// preHookEvent and postHookEvent name the hook.
type preHookEvent struct {
	eventHead
	PreHookName string     `json:"pre_hook_name"`
	RunInput    *inputBody `json:"run_input,omitempty"`
}

type postHookEvent struct {
	eventHead
	PostHookName string `json:"post_hook_name"`
}

// completedEvent is RunCompleted: its content replaces what was streamed.
type completedEvent struct {
	eventHead
	Content         json.RawMessage `json:"content"`
	ContentType     string          `json:"content_type"`
	MemberResponses []any           `json:"member_responses,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	SessionState    json.RawMessage `json:"session_state,omitempty"`
	Metrics         metricsBody     `json:"metrics"`
}

// errorEvent is RunError.
type errorEvent struct {
	eventHead
	Content json.RawMessage `json:"content"`
	failureBody
}

// cancelledEvent is RunCancelled.
type cancelledEvent struct {
	eventHead
	Content json.RawMessage `json:"content"`
	Reason  string          `json:"reason"`
}

// eventName is what clients call an event, "" where they know none of its kind.
func eventName(e *host.Event) string {
	switch e.Run.Component.Kind {
	case host.KindTeam:
		return "Team" + string(e.Kind)
	case host.KindWorkflow:
		return workflowEventName(e)
	}
	return string(e.Kind)
}

// newEventBody renders an event in the shape and order of AgentOS.
func newEventBody(e *host.Event) any {
	if e.Run.Component.Kind == host.KindWorkflow {
		return newWorkflowEvent(e)
	}
	head := newEventHead(e)
	switch e.Kind {
	case host.EventRunStarted, host.EventModelRequestStarted:
		return newModelEvent(head, e.Run)
	case host.EventModelRequestCompleted:
		return newUsageEvent(head, e)
	case host.EventRunContent:
		return newContentEvent(head, e)
	case host.EventPreHookStarted, host.EventPreHookCompleted:
		return preHookEvent{eventHead: head, PreHookName: e.Hook, RunInput: newInputBody(e.Input)}
	case host.EventPostHookStarted, host.EventPostHookCompleted:
		return postHookEvent{eventHead: head, PostHookName: e.Hook}
	case host.EventToolCallStarted, host.EventToolCallCompleted, host.EventToolCallError:
		return newToolEvent(head, e)
	case host.EventRunCompleted:
		return newCompletedEvent(head, e.Run)
	case host.EventRunError:
		return newErrorEvent(head, e.Run)
	case host.EventRunCancelled:
		return cancelledEvent{eventHead: head, Content: text(e.Run.Content), Reason: cancelReason(e.Run)}
	}
	return head // RunContinued and RunContentCompleted have nothing else
}

func newEventHead(e *host.Event) eventHead {
	run, step := e.Run, stepOf(e.Run)
	head := eventHead{
		CreatedAt: e.At.Unix(), Event: eventName(e),
		RunID: run.ID, ParentRunID: run.ParentID, SessionID: run.SessionID,
		stepHead: stepHead{
			WorkflowID: step.WorkflowID, WorkflowRunID: step.WorkflowRunID,
			StepID: step.ID, StepName: step.Name, StepIndex: stepIndex(step.Index),
		},
	}
	if run.ParentID == step.WorkflowRunID { // told already
		head.ParentRunID = ""
	}
	if run.Component.Kind == host.KindTeam {
		head.TeamID, head.TeamName = run.Component.ID, run.Component.Name
	} else {
		head.AgentID, head.AgentName = run.Component.ID, run.Component.Name
	}
	return head
}

// stepIndex is the place of a step: a number, or several where it is inside a
// parallel.
func stepIndex(index []int) any {
	switch len(index) {
	case 0:
		return nil
	case 1:
		return index[0]
	}
	return index
}

func newModelEvent(head eventHead, run *host.Run) modelEvent {
	return modelEvent{eventHead: head, Model: run.Model, ModelProvider: run.ModelProvider}
}

func newUsageEvent(head eventHead, e *host.Event) usageEvent {
	m := e.Metrics
	if m == nil {
		m = &host.Metrics{}
	}
	return usageEvent{
		modelEvent:  newModelEvent(head, e.Run),
		InputTokens: m.InputTokens, OutputTokens: m.OutputTokens, TotalTokens: m.TotalTokens,
		TimeToFirstToken: m.TimeToFirstToken, ReasoningTokens: m.ReasoningTokens, CacheReadTokens: m.CacheReadTokens,
	}
}

func newContentEvent(head eventHead, e *host.Event) contentEvent {
	event := contentEvent{eventHead: head, Content: text(e.Content), ContentType: typeOfDelta(e)}
	if e.Run.Component.Kind == host.KindAgent {
		event.WorkflowAgent = new(bool)
	}
	return event
}

func newCompletedEvent(head eventHead, run *host.Run) completedEvent {
	event := completedEvent{
		eventHead: head, Content: text(run.Content), ContentType: cmp.Or(run.ContentType, "str"),
		Metadata: run.Metadata, SessionState: run.SessionState, Metrics: newMetricsBody(run),
	}
	if run.Component.Kind == host.KindTeam {
		event.MemberResponses = newRunBodies(run.Children)
	} else {
		event.SessionState = stateOf(run)
	}
	return event
}

func cancelReason(run *host.Run) string { return "Run " + run.ID + " was cancelled" }

func newErrorEvent(head eventHead, run *host.Run) errorEvent {
	return errorEvent{eventHead: head, Content: failureText(run), failureBody: newFailureBody(run.Failure)}
}

// failureText is why a run ended in ERROR: the failure's message, which is the run's
// content too.
func failureText(run *host.Run) json.RawMessage {
	if run.Failure != nil {
		return host.TextContent(run.Failure.Message)
	}
	return text(run.Content)
}

// text is content a client can append: never absent.
func text(content json.RawMessage) json.RawMessage {
	if len(content) == 0 {
		return json.RawMessage(`""`)
	}
	return content
}

// typeOfDelta is the type of a piece of the answer: the run's own when the piece
// is all of it.
func typeOfDelta(e *host.Event) string { return cmp.Or(e.ContentType, typeOf(e.Content)) }

// typeOf names the type of a content as AgentOS does.
func typeOf(content json.RawMessage) string {
	if len(content) > 0 && content[0] == '{' {
		return "dict"
	}
	return "str"
}
