package httpapi

import (
	"cmp"
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
)

// eventHead is what every event of an agent's run begins with.
type eventHead struct {
	CreatedAt   int64          `json:"created_at"`
	Event       host.EventKind `json:"event"`
	AgentID     string         `json:"agent_id"`
	AgentName   string         `json:"agent_name,omitempty"`
	RunID       string         `json:"run_id,omitempty"`
	ParentRunID string         `json:"parent_run_id,omitempty"`
	SessionID   string         `json:"session_id,omitempty"`
	NestedDepth int            `json:"nested_depth"`
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

// contentEvent is RunContent.
type contentEvent struct {
	eventHead
	Content          json.RawMessage `json:"content"`
	WorkflowAgent    bool            `json:"workflow_agent"`
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
	Content      json.RawMessage `json:"content"`
	ContentType  string          `json:"content_type"`
	Metadata     json.RawMessage `json:"metadata,omitempty"`
	SessionState json.RawMessage `json:"session_state"`
	Metrics      metricsBody     `json:"metrics"`
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

// newEventBody renders an event in the shape and order of AgentOS.
func newEventBody(e *host.Event) any {
	head := newEventHead(e)
	switch e.Kind {
	case host.EventRunStarted, host.EventModelRequestStarted:
		return newModelEvent(head, e.Run)
	case host.EventModelRequestCompleted:
		return newUsageEvent(head, e)
	case host.EventRunContent:
		return contentEvent{eventHead: head, Content: text(e.Content), ContentType: typeOfDelta(e)}
	case host.EventPreHookStarted, host.EventPreHookCompleted:
		return preHookEvent{eventHead: head, PreHookName: e.Hook, RunInput: newInputBody(e.Input)}
	case host.EventPostHookStarted, host.EventPostHookCompleted:
		return postHookEvent{eventHead: head, PostHookName: e.Hook}
	case host.EventRunCompleted:
		return newCompletedEvent(head, e.Run)
	case host.EventRunError:
		return newErrorEvent(head, e.Run)
	case host.EventRunCancelled:
		return cancelledEvent{
			eventHead: head, Content: text(e.Run.Content), Reason: "Run " + e.Run.ID + " was cancelled",
		}
	}
	return head // RunContinued and RunContentCompleted have nothing else
}

func newEventHead(e *host.Event) eventHead {
	return eventHead{
		CreatedAt: e.At.Unix(), Event: e.Kind,
		AgentID: e.Run.Component.ID, AgentName: e.Run.Component.Name,
		RunID: e.Run.ID, ParentRunID: e.Run.ParentID, SessionID: e.Run.SessionID,
	}
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

func newCompletedEvent(head eventHead, run *host.Run) completedEvent {
	return completedEvent{
		eventHead: head, Content: text(run.Content), ContentType: cmp.Or(run.ContentType, "str"),
		Metadata: run.Metadata, SessionState: stateOf(run), Metrics: newMetricsBody(run),
	}
}

// newErrorEvent says why a run ended in ERROR: the failure's message, which is
// the run's content too.
func newErrorEvent(head eventHead, run *host.Run) errorEvent {
	event := errorEvent{eventHead: head, Content: text(run.Content), failureBody: newFailureBody(run.Failure)}
	if run.Failure != nil {
		event.Content = host.TextContent(run.Failure.Message)
	}
	return event
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
