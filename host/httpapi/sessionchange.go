package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// createSession stores a session without runs.
func (a *api) createSession(w http.ResponseWriter, r *http.Request) error {
	if err := checkDatabase(r, sessionTable); err != nil {
		return err
	}
	session, err := a.readSession(w, r)
	if err != nil {
		return err
	}
	err = a.sessions.CreateSession(r.Context(), session)
	if host.CodeOf(err) == host.CodeConflict {
		return host.Errorf(host.CodeConflict, "Session with id '%s' already exists. Use PATCH /sessions/%[1]s to update it.",
			session.ID)
	}
	if err != nil {
		return err
	}
	return a.writeSession(w, r, http.StatusCreated, &session, object.withoutNulls)
}

// readSession reads the session a request describes.
func (a *api) readSession(w http.ResponseWriter, r *http.Request) (host.Session, error) {
	query := newQueryDecoder(r)
	kind := oneOf(query, "type", host.KindAgent, kinds()...)
	if err := query.err(); err != nil {
		return host.Session{}, err
	}
	var body sessionDocument
	err := readDocument(w, r, &body, []string{
		"session_id", "session_name", "session_state", "metadata", "user_id", "agent_id", "team_id", "workflow_id",
	})
	if err != nil {
		return host.Session{}, err
	}
	d := bodyDecoder{}
	now := a.now()
	session := host.Session{
		ID: d.id("session_id", body.SessionID), UserID: d.id("user_id", body.UserID),
		Component: a.sessionComponent(&d, kind, &body), CreatedAt: now, UpdatedAt: now,
		Name: valueOf(d.name(body.Name)), State: d.object("session_state", body.State),
		Metadata: d.object("metadata", body.Metadata),
	}
	if session.ID == "" {
		session.ID = host.NewID()
	}
	return session, d.err()
}

// sessionComponent is the component a session is made for; without an id when none
// is given.
func (a *api) sessionComponent(d *bodyDecoder, kind host.ComponentKind, body *sessionDocument) host.Component {
	component := host.Component{Kind: kind}
	for _, given := range []struct {
		kind host.ComponentKind
		id   *string
	}{{host.KindAgent, body.AgentID}, {host.KindTeam, body.TeamID}, {host.KindWorkflow, body.WorkflowID}} {
		id, name := valueOf(given.id), string(given.kind)+"_id"
		if id == "" {
			continue
		}
		named, ok := a.lookUp(host.BindingScope{Kind: given.kind, ID: id})
		switch {
		case given.kind != kind:
			d.fail(name, "value_error", fmt.Sprintf("A session of the type %s has no %s", kind, name), id)
		case !ok:
			d.fail(name, "value_error", title(kind)+" not found", id)
		default:
			component = named
		}
	}
	return component
}

// sessionDocument is what a client says of a session. Null is the same as absent.
type sessionDocument struct {
	SessionID  *string         `json:"session_id"`
	UserID     *string         `json:"user_id"`
	AgentID    *string         `json:"agent_id"`
	TeamID     *string         `json:"team_id"`
	WorkflowID *string         `json:"workflow_id"`
	Name       *string         `json:"session_name"`
	State      json.RawMessage `json:"session_state"`
	Metadata   json.RawMessage `json:"metadata"`
	Summary    json.RawMessage `json:"summary"`
}

// renameSession gives a session a name.
func (a *api) renameSession(w http.ResponseWriter, r *http.Request) error {
	var body sessionDocument
	if err := readDocument(w, r, &body, []string{"session_name"}); err != nil {
		return err
	}
	if body.Name == nil {
		return &fieldErrors{list: []fieldError{missingField("body", "session_name")}}
	}
	return a.changeSession(w, r, body)
}

// patchSession replaces what the request gives of a session.
func (a *api) patchSession(w http.ResponseWriter, r *http.Request) error {
	var body sessionDocument
	err := readDocument(w, r, &body, []string{"session_name", "session_state", "metadata", "summary"})
	if err != nil {
		return err
	}
	return a.changeSession(w, r, body)
}

func (a *api) changeSession(w http.ResponseWriter, r *http.Request, change sessionDocument) error {
	d := bodyDecoder{}
	patch := host.SessionPatch{
		Name: d.name(change.Name), State: d.object("session_state", change.State),
		Metadata: d.object("metadata", change.Metadata), At: a.now(),
	}
	if isGiven(change.Summary) {
		d.refuse("summary", string(change.Summary))
	}
	if err := d.err(); err != nil {
		return err
	}
	session, err := a.session(r)
	if err != nil {
		return err
	}
	if session, err = a.sessions.UpdateSession(r.Context(), session.ID, patch); err != nil {
		return err
	}
	return a.writeSession(w, r, http.StatusOK, &session, func(o object) object { return o })
}
