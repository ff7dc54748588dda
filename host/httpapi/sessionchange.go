package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
)

// maxSessionName is the length in bytes of a name somebody gives a session.
const maxSessionName = 1024

// createSession stores a session without runs.
func (a *api) createSession(w http.ResponseWriter, r *http.Request) error {
	if err := checkDatabase(r); err != nil {
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
	if kind != host.KindAgent && query.wrong == nil {
		query.fail("type", "not_available", "Not available yet", string(kind), nil)
	}
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
		Component: host.Component{Kind: kind}, CreatedAt: now, UpdatedAt: now,
		Name: valueOf(d.name(body.Name)), State: d.object("session_state", body.State),
		Metadata: d.object("metadata", body.Metadata),
	}
	if session.ID == "" {
		session.ID = uuid.NewString()
	}
	if id := valueOf(body.AgentID); id != "" {
		agent, ok := a.engine.Agent(id)
		if !ok {
			d.fail("agent_id", "value_error", "Agent not found", id)
		} else {
			session.Component = agent.Component()
		}
	}
	return session, d.err()
}

// sessionDocument is what a client says of a session. Null is the same as absent.
type sessionDocument struct {
	SessionID *string         `json:"session_id"`
	UserID    *string         `json:"user_id"`
	AgentID   *string         `json:"agent_id"`
	Name      *string         `json:"session_name"`
	State     json.RawMessage `json:"session_state"`
	Metadata  json.RawMessage `json:"metadata"`
	Summary   json.RawMessage `json:"summary"`
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
	if isGiven(body.Summary) {
		d := bodyDecoder{}
		d.fail("summary", "not_available", "Not available yet", "")
		return d.err()
	}
	return a.changeSession(w, r, body)
}

func (a *api) changeSession(w http.ResponseWriter, r *http.Request, change sessionDocument) error {
	d := bodyDecoder{}
	patch := host.SessionPatch{
		Name: d.name(change.Name), State: d.object("session_state", change.State),
		Metadata: d.object("metadata", change.Metadata), At: a.now(),
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

// bodyDecoder checks members of a body and collects what is wrong with them.
type bodyDecoder struct{ wrong []fieldError }

func (d *bodyDecoder) err() error {
	if d.wrong == nil {
		return nil
	}
	return &fieldErrors{list: d.wrong}
}

func (d *bodyDecoder) fail(name, kind, msg, input string) {
	f := fieldError{Type: kind, Loc: []string{"body", name}, Msg: msg}
	if input != "" {
		input = cut(input)
		f.Input = &input
	}
	d.wrong = append(d.wrong, f)
}

// id is an id the client chose, "" when it is absent.
func (d *bodyDecoder) id(name string, given *string) string {
	id := valueOf(given)
	if kind, msg := checkID(id); kind != "" {
		d.fail(name, kind, msg, "")
	}
	return id
}

func (d *bodyDecoder) name(given *string) *string {
	if len(valueOf(given)) > maxSessionName {
		d.fail("session_name", "string_too_long",
			"Input should have at most "+strconv.Itoa(maxSessionName)+" bytes", "")
	}
	return given
}

// object is a member that holds an object; nil when it is absent or null.
func (d *bodyDecoder) object(name string, given json.RawMessage) json.RawMessage {
	if !isGiven(given) {
		return nil
	}
	if !bytes.HasPrefix(given, []byte("{")) {
		d.fail(name, "dict_type", "Input should be a JSON object", string(given))
	}
	return given
}

func isGiven(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// valueOf is the value of an optional member, its zero value when absent.
func valueOf[T any](given *T) T {
	if given == nil {
		var zero T
		return zero
	}
	return *given
}
