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
		{"session_state", stateOrEmpty(s.State)},
		{"created_at", iso(s.CreatedAt)},
		{"updated_at", iso(s.UpdatedAt)},
		{"session_type", s.Component.Kind},
		{"user_id", orNull(s.UserID)},
		{"agent_id", orNull(s.Component.ID)},
		{"metrics", orNull(metrics)},
		{"total_tokens", orNull(metrics.TotalTokens)},
		{"metadata", rawOrNull(s.Metadata)},
	}.withoutNulls()
}

// writeSession answers with a session as AgentOS details one. shape decides
// about its nulls. The conversation may be long: it is read and written in parts.
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
	head, err := encodeJSON(shape(a.newSessionHead(s, usage[s.ID], len(runs.page) > 0)))
	if err != nil {
		return err
	}
	tail, err := encodeJSON(object{{"created_at", iso(s.CreatedAt)}, {"updated_at", iso(s.UpdatedAt)}})
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

// newSessionHead is what stands before the conversation in the detail of an
// agent's session.
func (a *api) newSessionHead(s *host.Session, usage []host.ModelUsage, hasRun bool) object {
	metrics := newUsageBody(usage)
	return object{
		{"user_id", orNull(s.UserID)},
		{"agent_session_id", s.ID},
		{"session_id", s.ID},
		{"session_name", s.Label()},
		{"session_summary", nil},
		{"session_state", stateOrEmpty(s.State)},
		{"agent_id", orNull(s.Component.ID)},
		{"total_tokens", orNull(metrics.TotalTokens)},
		{"agent_data", a.newAgentData(s, hasRun)},
		{"metrics", metrics},
		{"metadata", rawOrNull(s.Metadata)},
	}
}

// newAgentData says which agent answered; null before it has.
func (a *api) newAgentData(s *host.Session, hasRun bool) any {
	if !hasRun {
		return nil
	}
	data := object{{"name", s.Component.Name}, {"agent_id", s.Component.ID}}
	agent, ok := a.engine.Agent(s.Component.ID)
	if !ok { // it is configured no more
		return data
	}
	info := a.engine.ModelInfo(agent.Model)
	return append(data, member{"model", object{{"provider", info.Provider}, {"id", info.ID}, {"name", info.Name}}})
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

// stateOrEmpty is a session's state, which is an object even when it is empty.
func stateOrEmpty(state json.RawMessage) json.RawMessage {
	if state == nil {
		return json.RawMessage("{}")
	}
	return state
}

func rawOrNull(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return raw
}

// iso is the time format of AgentOS for sessions: seconds, in UTC.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
