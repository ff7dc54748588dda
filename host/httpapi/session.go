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
	if err := checkDatabase(r, sessionTable); host.CodeOf(err) == host.CodeNotFound {
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
	session, found, err := a.lookUpSession(r)
	if err != nil || found {
		return session, err
	}
	id := cut(pathVar(r, "session_id"))
	if kind := host.ComponentKind(r.URL.Query().Get("type")); kind != "" && r.Method == http.MethodGet {
		return session, host.Errorf(host.CodeNotFound, "%s Session with id '%s' not found", title(kind), id)
	}
	return session, host.Errorf(host.CodeNotFound, "Session with id '%s' not found", id)
}

// lookUpSession is session that leaves it to the caller to say that there is none.
func (a *api) lookUpSession(r *http.Request) (session host.Session, found bool, err error) {
	if err := checkDatabase(r, sessionTable); err != nil {
		return session, false, err
	}
	d := newQueryDecoder(r)
	kind, user := oneOf(d, "type", "", kinds()...), d.text("user_id")
	if err := d.err(); err != nil {
		return session, false, err
	}
	session, err = a.sessions.Session(r.Context(), pathVar(r, "session_id"))
	if host.CodeOf(err) == host.CodeNotFound {
		return session, false, nil
	}
	found = (kind == "" || kind == session.Component.Kind) && (user == "" || user == session.UserID)
	return session, found, err
}

// title writes a kind with a capital.
func title(kind host.ComponentKind) string {
	return strings.ToUpper(string(kind[:1])) + string(kind[1:])
}
