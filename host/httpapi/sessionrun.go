package httpapi

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// listSessionRuns answers with the runs of a session that have ended, oldest
// first, and the background runs that have not. A session without one is not found: clients take an empty list for an
// empty conversation and show it instead of the run that goes on.
func (a *api) listSessionRuns(w http.ResponseWriter, r *http.Request) error {
	filter, err := runFilterOf(r)
	if err != nil {
		return err
	}
	session, err := a.sessionWithRuns(r)
	if err != nil {
		return err
	}
	filter.SessionID = session.ID
	return a.writeRuns(w, r, filter, object.withoutNulls)
}

func runFilterOf(r *http.Request) (host.RunFilter, error) {
	var filter host.RunFilter
	d := newQueryDecoder(r)
	if after := d.integer("created_after", math.MinInt64, math.MinInt64, math.MaxInt64); after != math.MinInt64 {
		filter.CreatedFrom = time.Unix(after, 0)
	}
	if before := d.integer("created_before", math.MaxInt64, math.MinInt64, math.MaxInt64); before != math.MaxInt64 {
		filter.CreatedUntil = time.Unix(before+1, 0) // the second itself matches
	}
	return filter, d.err()
}

// writeRuns answers with the runs that match. shape decides about their nulls.
func (a *api) writeRuns(w http.ResponseWriter, r *http.Request, filter host.RunFilter, shape func(object) object) error {
	runs, err := a.firstRuns(r.Context(), filter)
	if err != nil {
		return err
	}
	a.writeArray(w, r, http.StatusOK, "", "", func(items *array) error {
		return a.eachRun(r.Context(), runs, func(run *host.Run) error { return items.add(shape(newRunSchema(run))) })
	})
	return nil
}

// sessionWithRuns returns the session the path names; CodeNotFound also when
// none of its runs is shown.
func (a *api) sessionWithRuns(r *http.Request) (host.Session, error) {
	id := cut(pathVar(r, "session_id"))
	session, found, err := a.lookUpSession(r)
	if err != nil {
		return session, err
	}
	if !found {
		return session, host.Errorf(host.CodeNotFound, "Session with ID %s not found", id)
	}
	_, ok, err := a.firstRun(r.Context(), session.ID)
	if err == nil && !ok {
		err = host.Errorf(host.CodeNotFound, "Session with ID %s has no runs", id)
	}
	return session, err
}

// showSessionRun answers with one run of a session: a background run, or one that
// has ended.
func (a *api) showSessionRun(w http.ResponseWriter, r *http.Request) error {
	session, err := a.sessionWithRuns(r)
	if err != nil {
		return err
	}
	id := pathVar(r, "run_id")
	run, err := a.runs.Run(r.Context(), id)
	if err != nil && host.CodeOf(err) != host.CodeNotFound {
		return err
	}
	if err != nil || run.SessionID != session.ID || !run.Background && !run.Status.Final() {
		return host.Errorf(host.CodeNotFound, "Run with ID %s not found in session %s", cut(id), cut(session.ID))
	}
	a.writeJSON(w, r, http.StatusOK, newRunSchema(&run))
	return nil
}

// listAgentRuns answers with the agent's runs of one of its sessions, their
// nulls kept.
func (a *api) listAgentRuns(w http.ResponseWriter, r *http.Request) error {
	agent, err := a.agent(r)
	if err != nil {
		return err
	}
	d := newQueryDecoder(r)
	id, status := d.required("session_id"), host.RunStatus(d.text("status"))
	if err := d.err(); err != nil {
		return err
	}
	session, err := a.sessions.Session(r.Context(), id)
	if err != nil && host.CodeOf(err) != host.CodeNotFound {
		return err
	}
	shown := false
	if err == nil && session.Component.Scope() == agent.Component().Scope() {
		if _, shown, err = a.firstRun(r.Context(), id); err != nil {
			return err
		}
	}
	if !shown {
		return host.Errorf(host.CodeNotFound, "Session not found")
	}
	filter := host.RunFilter{SessionID: id, Component: agent.Component().Scope(), Status: status}
	return a.writeRuns(w, r, filter, func(o object) object { return o })
}

// newRunSchema is a RunSchema of AgentOS: a run in its session. What this host
// does not make is there as AgentOS has it without: empty or null.
func newRunSchema(run *host.Run) object {
	messages := make([]messageBody, len(run.Messages))
	for i := range run.Messages {
		messages[i] = newMessageBody(&run.Messages[i])
	}
	return object{
		{"run_id", run.ID},
		{"parent_run_id", run.ParentID},
		{"agent_id", run.Component.ID},
		{"user_id", run.UserID},
		{"status", run.Status},
		{"run_input", inputText(run.Input)},
		{"content", text(run.Content)},
		{"run_response_format", formatOf(run.Content)},
		{"reasoning_content", ""},
		{"reasoning_steps", nothing()},
		{"metrics", newMetricsBody(run)},
		{"messages", listOrNull(messages)},
		{"tools", nil},
		{"events", nil},
		{"created_at", iso(run.CreatedAt)},
		{"references", nothing()},
		{"citations", nil},
		{"reasoning_messages", nothing()},
		{"session_state", rawOrNull(stateOf(run))},
		{"images", nothing()},
		{"videos", nothing()},
		{"audio", nothing()},
		{"files", nothing()},
		{"response_audio", nil},
		{"input_media", object{{"images", nothing()}, {"videos", nothing()}, {"audios", nothing()}, {"files", nothing()}}},
		{"followups", nil},
		{"forked_from_run_id", nil},
		{"forked_from_message_index", nil},
		{"forked_from_session_id", nil},
		{"regenerated_from", nil},
		{"last_checkpoint_at_message_index", nil},
	}
}

// inputText is a run's input as text, "" for a run that never had one.
func inputText(input json.RawMessage) string {
	if input == nil {
		return ""
	}
	return host.Text(input)
}

// formatOf names the format of a content as AgentOS does for runs of a session.
func formatOf(content json.RawMessage) string {
	if typeOf(content) == "dict" {
		return "json"
	}
	return "text"
}
