package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// createRun runs an agent, now or in the background, and answers with the run,
// with its stream, or with where it is found.
func (a *api) createRun(w http.ResponseWriter, r *http.Request) error {
	agent, err := a.agent(r)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	fields, err := readForm(w, r)
	if err != nil {
		return err
	}
	asked, err := decodeRunForm(fields)
	if err != nil {
		return withFormHint(err, r)
	}
	asked.request.Component, asked.request.IdempotencyKey = agent.Component(), key
	answer := a.finishRun
	switch {
	case asked.background && asked.stream:
		answer = a.streamBackground
	case asked.background:
		answer = a.startRun
	case asked.stream:
		answer = a.streamRun
	}
	return asFieldErrors(answer(w, r, asked))
}

// finishRun runs an agent and answers with the run when it has ended.
func (a *api) finishRun(w http.ResponseWriter, r *http.Request, asked runForm) error {
	run, err := a.engine.Run(r.Context(), asked.request)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newRunBody(&run))
	return nil
}

// withFormHint tells a client that sent no form what to send.
func withFormHint(err error, r *http.Request) error {
	var wrong *fieldErrors
	name, _ := mediaType(r)
	if errors.As(err, &wrong) && name != urlEncoded && name != multiPart {
		wrong.hint = "Send a form: " + urlEncoded + " or " + multiPart
	}
	return err
}

// showRun answers with a run of the agent and the session that are named.
func (a *api) showRun(w http.ResponseWriter, r *http.Request) error {
	agent, err := a.agent(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if !query.Has("session_id") {
		return &fieldErrors{list: []fieldError{missingField("query", "session_id")}}
	}
	run, err := a.run(r)
	if err != nil {
		return err
	}
	if run.Component.Scope() != agent.Component().Scope() || run.SessionID != query.Get("session_id") {
		return errRunNotFound
	}
	body := newRunBody(&run)
	body.Events = &[]struct{}{}
	a.writeJSON(w, r, http.StatusOK, body)
	return nil
}

var errRunNotFound = host.Errorf(host.CodeNotFound, "Run not found")

// run returns the run the path names.
func (a *api) run(r *http.Request) (host.Run, error) {
	run, err := a.runs.Run(r.Context(), pathVar(r, "run_id"))
	if host.CodeOf(err) == host.CodeNotFound {
		return host.Run{}, errRunNotFound
	}
	return run, err
}

// runBody is a RunOutput of AgentOS, in its order, with what refused or failed
// the run at the end. Only the status is always there.
type runBody struct {
	RunID         string          `json:"run_id"`
	AgentID       string          `json:"agent_id"`
	AgentName     string          `json:"agent_name,omitempty"`
	SessionID     string          `json:"session_id"`
	ParentRunID   string          `json:"parent_run_id,omitempty"`
	UserID        string          `json:"user_id,omitempty"`
	Content       json.RawMessage `json:"content,omitempty"`
	ContentType   string          `json:"content_type"`
	Model         string          `json:"model,omitempty"`
	ModelProvider string          `json:"model_provider,omitempty"`
	SessionState  json.RawMessage `json:"session_state,omitempty"`
	CreatedAt     int64           `json:"created_at"`
	Status        host.RunStatus  `json:"status"`
	Metrics       metricsBody     `json:"metrics"`
	Events        *[]struct{}     `json:"events,omitempty"`
	Messages      []messageBody   `json:"messages,omitempty"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	Tools         *[]struct{}     `json:"tools,omitempty"`
	Input         *inputBody      `json:"input,omitempty"`
	failureBody
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

// messageBody is a Message of AgentOS.
type messageBody struct {
	ID                string          `json:"id"`
	Content           json.RawMessage `json:"content,omitempty"`
	FromHistory       bool            `json:"from_history"`
	StopAfterToolCall bool            `json:"stop_after_tool_call"`
	Role              string          `json:"role"`
	CreatedAt         int64           `json:"created_at"`
}

func newRunBody(run *host.Run) runBody {
	body := runBody{
		RunID: run.ID, AgentID: run.Component.ID, AgentName: run.Component.Name,
		SessionID: run.SessionID, ParentRunID: run.ParentID, UserID: run.UserID,
		Content: run.Content, ContentType: cmp.Or(run.ContentType, "str"),
		Model: run.Model, ModelProvider: run.ModelProvider,
		SessionState: stateOf(run), CreatedAt: run.CreatedAt.Unix(), Status: run.Status,
		Metrics: newMetricsBody(run), Metadata: run.Metadata, Input: newInputBody(run.Input),
		failureBody: newFailureBody(run.Failure),
	}
	for i := range run.Messages {
		body.Messages = append(body.Messages, newMessageBody(&run.Messages[i]))
	}
	if modelAnswered(run) {
		body.Tools = &[]struct{}{}
	}
	return body
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

// newMessageBody shows an object as text: clients expect nothing else of a message.
func newMessageBody(m *host.Message) messageBody {
	return messageBody{
		ID: m.ID, Content: host.AsText(m.Content), FromHistory: m.FromHistory, Role: m.Role, CreatedAt: unix(m.CreatedAt),
	}
}

// unix is t in seconds; 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
