package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// newSessionItem is a SessionSchema of AgentOS: a session in a list.
func newSessionItem(s *host.Session, usage []host.ModelUsage) object {
	metrics := newUsageBody(usage)
	return object{
		{"session_id", s.ID},
		{"session_name", s.Label()},
		{"session_state", orEmpty(s.State)},
		{"created_at", iso(s.CreatedAt)},
		{"updated_at", iso(s.UpdatedAt)},
		{"session_type", s.Component.Kind},
		{"user_id", orNull(s.UserID)},
		{"agent_id", idOf(s, host.KindAgent)},
		{"team_id", idOf(s, host.KindTeam)},
		{"workflow_id", idOf(s, host.KindWorkflow)},
		{"metrics", orNull(metrics)},
		{"total_tokens", orNull(metrics.TotalTokens)},
		{"metadata", rawOrNull(s.Metadata)},
	}.withoutNulls()
}

// idOf is the id of the session's component where it is of the kind.
func idOf(s *host.Session, kind host.ComponentKind) any {
	if s.Component.Kind != kind {
		return nil
	}
	return orNull(s.Component.ID)
}

// sessionBody is the detail of a session, before and after the conversation.
type sessionBody struct {
	head, tail object
	// chat is false where there is none.
	chat bool
}

// writeSession answers with a session as AgentOS details one of its type. shape
// decides about its nulls. The conversation may be long: it is read and written in
// parts.
func (a *api) writeSession(
	w http.ResponseWriter, r *http.Request, status int, s *host.Session, shape func(object) object,
) error {
	usage, err := a.sessions.SessionUsage(r.Context(), s.ID)
	if err != nil {
		return err
	}
	runs, err := a.firstRuns(r.Context(), host.RunFilter{SessionID: s.ID})
	if err != nil {
		return err
	}
	body := a.newSessionBody(s, newUsageBody(usage[s.ID]), len(runs.page) > 0)
	if !body.chat {
		a.writeJSON(w, r, status, shape(append(body.head, body.tail...)))
		return nil
	}
	head, err := encodeJSON(shape(body.head))
	if err != nil {
		return err
	}
	tail, err := encodeJSON(shape(body.tail))
	if err != nil {
		return err
	}
	before := strings.TrimSuffix(string(head), "}") + `,"chat_history":`
	after := "," + strings.TrimPrefix(string(tail), "{")
	a.writeArray(w, r, status, before, after, func(items *array) error {
		return a.eachRun(r.Context(), runs, func(run *host.Run) error { return addChat(items, run) })
	})
	return nil
}

// newSessionBody is the detail of a session; hasRun says whether its component has
// answered.
func (a *api) newSessionBody(s *host.Session, metrics usageBody, hasRun bool) sessionBody {
	var data any
	if hasRun {
		data = a.newComponentData(s.Component)
	}
	times := object{{"created_at", iso(s.CreatedAt)}, {"updated_at", iso(s.UpdatedAt)}}
	switch s.Component.Kind {
	case host.KindTeam:
		return sessionBody{
			head: newTeamSession(s, metrics, data), chat: true,
			tail: append(times, member{"total_tokens", orNull(metrics.TotalTokens)}),
		}
	case host.KindWorkflow:
		return sessionBody{head: newWorkflowSession(s, metrics, data), tail: times}
	}
	return sessionBody{head: newAgentSession(s, metrics, data), tail: times, chat: true}
}

func newAgentSession(s *host.Session, metrics usageBody, data any) object {
	return object{
		{"user_id", orNull(s.UserID)},
		{"agent_session_id", s.ID},
		{"session_id", s.ID},
		{"session_name", s.Label()},
		{"session_summary", nil},
		{"session_state", orEmpty(s.State)},
		{"agent_id", orNull(s.Component.ID)},
		{"total_tokens", orNull(metrics.TotalTokens)},
		{"agent_data", data},
		{"metrics", metrics},
		{"metadata", rawOrNull(s.Metadata)},
	}
}

func newTeamSession(s *host.Session, metrics usageBody, data any) object {
	return object{
		{"session_id", s.ID},
		{"session_name", s.Label()},
		{"user_id", orNull(s.UserID)},
		{"team_id", orNull(s.Component.ID)},
		{"session_summary", nil},
		{"session_state", orEmpty(s.State)},
		{"metrics", metrics},
		{"team_data", data},
		{"metadata", rawOrNull(s.Metadata)},
	}
}

func newWorkflowSession(s *host.Session, metrics usageBody, data any) object {
	return object{
		{"user_id", orNull(s.UserID)},
		{"workflow_id", orNull(s.Component.ID)},
		{"workflow_name", orNull(s.Component.Name)},
		{"session_id", s.ID},
		{"session_name", s.Label()},
		{"session_data", object{{"session_state", orEmpty(s.State)}, {"session_metrics", metrics}}},
		{"session_state", orEmpty(s.State)},
		{"workflow_data", data},
		{"metadata", orEmpty(s.Metadata)},
	}
}

// newComponentData says which component answered, with what the host still knows of
// it.
func (a *api) newComponentData(c host.Component) object {
	switch c.Kind {
	case host.KindTeam:
		data := object{{"name", c.Name}, {"team_id", c.ID}}
		if team, ok := a.engine.Team(c.ID); ok {
			data = append(data, a.modelData(&team.Agent))
		}
		return data
	case host.KindWorkflow:
		data := object{{"workflow_id", c.ID}, {"name", c.Name}}
		if workflow, ok := a.engine.Workflow(c.ID); ok {
			data = append(data, stepData(workflow))
		}
		return data
	}
	data := object{{"name", c.Name}, {"agent_id", c.ID}}
	if agent, ok := a.engine.Agent(c.ID); ok {
		data = append(data, a.modelData(agent))
	}
	return data
}

func (a *api) modelData(agent *host.Agent) member {
	info := a.engine.ModelInfo(agent.Model)
	return member{"model", object{{"provider", info.Provider}, {"id", info.ID}, {"name", info.Name}}}
}

// stepData are the steps of a workflow without what is inside them.
func stepData(w *host.Workflow) member {
	steps := make([]object, len(w.Steps))
	for i := range w.Steps {
		steps[i] = object{{"name", w.Steps[i].Name}, {"description", nil}, {"type", stepTypes[w.Steps[i].Kind]}}
	}
	return member{"steps", steps}
}

// addChat adds what user and assistant said in a run.
func addChat(items *array, run *host.Run) error {
	for i := range run.Messages {
		if m := &run.Messages[i]; !m.FromHistory && (m.Role == "user" || m.Role == "assistant") {
			if err := items.add(newMessageBody(m)); err != nil {
				return err
			}
		}
	}
	return nil
}

// usageBody is what a session used; nothing is left out.
type usageBody struct {
	tokensBody
	Details *detailsBody `json:"details,omitempty"`
}

func newUsageBody(usage []host.ModelUsage) usageBody {
	var sum usageBody
	for i := range usage {
		tokens := newTokensBody(&usage[i].Metrics)
		sum.add(tokens)
		if sum.Details == nil {
			sum.Details = &detailsBody{}
		}
		sum.Details.Model = append(sum.Details.Model, modelUsageBody{
			tokensBody: tokens, ID: usage[i].Model, Provider: usage[i].Provider,
		})
	}
	return sum
}

func (b *tokensBody) add(more tokensBody) {
	b.InputTokens += more.InputTokens
	b.OutputTokens += more.OutputTokens
	b.TotalTokens += more.TotalTokens
	b.CacheReadTokens += more.CacheReadTokens
	b.ReasoningTokens += more.ReasoningTokens
}

// orEmpty is an object that is there even when it is empty.
func orEmpty(object json.RawMessage) json.RawMessage {
	if object == nil {
		return json.RawMessage("{}")
	}
	return object
}

func rawOrNull(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return raw
}

// iso is the time format of AgentOS for sessions: seconds, in UTC.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
