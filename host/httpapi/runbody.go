package httpapi

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// newRunBody renders a run with those inside it, in the shape of AgentOS for its
// kind of component. events is nil where the body has none.
func newRunBody(run *host.Run, events *[]struct{}) any {
	switch run.Component.Kind {
	case host.KindTeam:
		return newTeamRun(run, events)
	case host.KindWorkflow:
		return newWorkflowRun(run, events)
	}
	return newAgentRun(run, events)
}

// newRunBodies renders the runs inside another one.
func newRunBodies(runs []host.Run) []any {
	bodies := make([]any, len(runs))
	for i := range runs {
		bodies[i] = newRunBody(&runs[i], nil)
	}
	return bodies
}

// agentRunBody is a RunOutput of AgentOS, in its order, with what refused or failed
// the run at the end. Only the status is always there.
type agentRunBody struct {
	RunID          string          `json:"run_id"`
	AgentID        string          `json:"agent_id"`
	AgentName      string          `json:"agent_name,omitempty"`
	SessionID      string          `json:"session_id"`
	ParentRunID    string          `json:"parent_run_id,omitempty"`
	WorkflowID     string          `json:"workflow_id,omitempty"`
	UserID         string          `json:"user_id,omitempty"`
	Content        json.RawMessage `json:"content,omitempty"`
	ContentType    string          `json:"content_type"`
	Model          string          `json:"model,omitempty"`
	ModelProvider  string          `json:"model_provider,omitempty"`
	SessionState   json.RawMessage `json:"session_state,omitempty"`
	CreatedAt      int64           `json:"created_at"`
	Status         host.RunStatus  `json:"status"`
	WorkflowStepID string          `json:"workflow_step_id,omitempty"`
	Metrics        metricsBody     `json:"metrics"`
	Events         *[]struct{}     `json:"events,omitempty"`
	Messages       []messageBody   `json:"messages,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
	// Tools is nil where the model has not come to call any.
	Tools *[]executionBody `json:"tools,omitempty"`
	Input *inputBody       `json:"input,omitempty"`
	failureBody
}

func newAgentRun(run *host.Run, events *[]struct{}) agentRunBody {
	step := stepOf(run)
	return agentRunBody{
		RunID: run.ID, AgentID: run.Component.ID, AgentName: run.Component.Name,
		SessionID: run.SessionID, ParentRunID: run.ParentID, WorkflowID: step.WorkflowID, UserID: run.UserID,
		Content: run.Content, ContentType: cmp.Or(run.ContentType, "str"),
		Model: run.Model, ModelProvider: run.ModelProvider,
		SessionState: stateOf(run), CreatedAt: run.CreatedAt.Unix(), Status: run.Status, WorkflowStepID: step.ID,
		Metrics: newMetricsBody(run), Events: events, Messages: newMessages(run), Metadata: run.Metadata,
		Tools: toolsOf(run), Input: newInputBody(run.Input), failureBody: newFailureBody(run.Failure),
	}
}

// teamRunBody is a TeamRunOutput of AgentOS, in its order.
type teamRunBody struct {
	RunID           string           `json:"run_id"`
	TeamID          string           `json:"team_id"`
	TeamName        string           `json:"team_name,omitempty"`
	SessionID       string           `json:"session_id"`
	ParentRunID     string           `json:"parent_run_id,omitempty"`
	UserID          string           `json:"user_id,omitempty"`
	Input           *inputBody       `json:"input,omitempty"`
	Content         json.RawMessage  `json:"content,omitempty"`
	ContentType     string           `json:"content_type"`
	Model           string           `json:"model,omitempty"`
	ModelProvider   string           `json:"model_provider,omitempty"`
	MemberResponses []any            `json:"member_responses,omitempty"`
	SessionState    json.RawMessage  `json:"session_state,omitempty"`
	CreatedAt       int64            `json:"created_at"`
	WorkflowStepID  string           `json:"workflow_step_id,omitempty"`
	Metrics         metricsBody      `json:"metrics"`
	Status          host.RunStatus   `json:"status"`
	Events          *[]struct{}      `json:"events,omitempty"`
	Messages        []messageBody    `json:"messages,omitempty"`
	Metadata        json.RawMessage  `json:"metadata,omitempty"`
	Tools           *[]executionBody `json:"tools,omitempty"`
	failureBody
}

func newTeamRun(run *host.Run, events *[]struct{}) teamRunBody {
	return teamRunBody{
		RunID: run.ID, TeamID: run.Component.ID, TeamName: run.Component.Name,
		SessionID: run.SessionID, ParentRunID: run.ParentID, UserID: run.UserID, Input: newInputBody(run.Input),
		Content: run.Content, ContentType: cmp.Or(run.ContentType, "str"),
		Model: run.Model, ModelProvider: run.ModelProvider, MemberResponses: newRunBodies(run.Children),
		SessionState: run.SessionState, CreatedAt: run.CreatedAt.Unix(), WorkflowStepID: stepOf(run).ID,
		Metrics: newMetricsBody(run), Status: run.Status, Events: events, Messages: newMessages(run),
		Metadata: run.Metadata, Tools: toolsOf(run), failureBody: newFailureBody(run.Failure),
	}
}

// stepOf is the step of a workflow a run belongs to, zero for none.
func stepOf(run *host.Run) host.RunStep {
	if run.Step == nil {
		return host.RunStep{}
	}
	return *run.Step
}

// toolsOf are the calls of a run that has ended; nil where its model has not come to
// call any.
func toolsOf(run *host.Run) *[]executionBody {
	if !run.Status.Final() || len(run.Tools) == 0 && !modelAnswered(run) {
		return nil
	}
	bodies := newExecutionBodies(run.Tools)
	return &bodies
}

// failureBody is why a run has the status ERROR.
type failureBody struct {
	ErrorType      string          `json:"error_type,omitempty"`
	ErrorID        string          `json:"error_id,omitempty"`
	AdditionalData json.RawMessage `json:"additional_data,omitempty"`
}

// inputBody is the run's input; clients refuse a bare string.
type inputBody struct {
	InputContent json.RawMessage `json:"input_content"`
}

// stateOf is the state a run left, which is an object even when it is empty.
func stateOf(run *host.Run) json.RawMessage {
	if run.SessionState == nil && run.Status.Final() {
		return json.RawMessage("{}")
	}
	return run.SessionState
}

// modelAnswered reports whether the run came past its model.
func modelAnswered(run *host.Run) bool {
	return run.Status == host.RunCompleted ||
		run.Failure != nil && run.Failure.Type == host.FailureOutputCheck
}

func newInputBody(input json.RawMessage) *inputBody {
	if input == nil {
		return nil
	}
	return &inputBody{InputContent: input}
}

func newFailureBody(f *host.Failure) failureBody {
	if f == nil {
		return failureBody{}
	}
	return failureBody{ErrorType: f.Type, ErrorID: f.ID, AdditionalData: f.Data}
}

// unix is t in seconds; 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
