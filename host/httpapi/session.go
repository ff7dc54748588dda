package httpapi

import (
	"net/http"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// sessionTable names the sessions' table to clients.
const sessionTable = "sessions"

// kinds are the values of the parameter type.
func kinds() []host.ComponentKind {
	return []host.ComponentKind{host.KindAgent, host.KindTeam, host.KindWorkflow}
}

// listSessions answers with a page of sessions.
func (a *api) listSessions(w http.ResponseWriter, r *http.Request) error {
	if err := checkDatabase(r); host.CodeOf(err) == host.CodeNotFound {
		return host.Errorf(host.CodeNotFound, "404: %s", err) // so AgentOS says it, here only
	} else if err != nil {
		return err
	}
	filter, at, err := sessionFilterOf(r)
	if err != nil {
		return err
	}
	sessions, total, err := a.sessions.Sessions(r.Context(), filter)
	if err != nil {
		return err
	}
	ids := make([]string, len(sessions))
	for i := range sessions {
		ids[i] = sessions[i].ID
	}
	usage, err := a.sessions.SessionUsage(r.Context(), ids...)
	if err != nil {
		return err
	}
	body := list[object]{Data: make([]object, len(sessions)), Meta: newMeta(at, total)}
	for i := range sessions {
		body.Data[i] = newSessionItem(&sessions[i], usage[sessions[i].ID])
	}
	a.writeJSON(w, r, http.StatusOK, body)
	return nil
}

func sessionFilterOf(r *http.Request) (host.SessionFilter, page, error) {
	d := newQueryDecoder(r)
	at := d.page()
	filter := host.SessionFilter{
		Kind:        oneOf(d, "type", "", kinds()...),
		ComponentID: d.text("component_id"),
		UserID:      d.text("user_id"),
		Label:       d.text("session_name"),
		Order:       oneOf(d, "sort_by", host.SessionsByCreation, host.SessionsByCreation, host.SessionsByUpdate),
		Ascending:   oneOf(d, "sort_order", "desc", "asc", "desc") == "asc",
		Offset:      at.offset(),
		Limit:       at.limit,
	}
	return filter, at, d.err()
}

// showSession answers with a session and its whole conversation.
func (a *api) showSession(w http.ResponseWriter, r *http.Request) error {
	session, err := a.session(r)
	if err != nil {
		return err
	}
	return a.writeSession(w, r, http.StatusOK, &session, object.withoutNulls)
}

// session returns the session the path names, for the type and the user of the
// query.
func (a *api) session(r *http.Request) (host.Session, error) {
	if err := checkDatabase(r); err != nil {
		return host.Session{}, err
	}
	d := newQueryDecoder(r)
	kind := oneOf(d, "type", "", kinds()...)
	if err := d.err(); err != nil {
		return host.Session{}, err
	}
	id, user := pathVar(r, "session_id"), d.text("user_id")
	session, err := a.sessions.Session(r.Context(), id)
	missing := host.CodeOf(err) == host.CodeNotFound
	switch {
	case err != nil && !missing:
		return host.Session{}, err
	case !missing && (kind == "" || kind == session.Component.Kind) && (user == "" || user == session.UserID):
		return session, nil
	case kind != "" && r.Method == http.MethodGet:
		return host.Session{}, host.Errorf(host.CodeNotFound, "%s Session with id '%s' not found", title(kind), cut(id))
	}
	return host.Session{}, host.Errorf(host.CodeNotFound, "Session with id '%s' not found", cut(id))
}

// title writes a kind with a capital.
func title(kind host.ComponentKind) string {
	return strings.ToUpper(string(kind[:1])) + string(kind[1:])
}
