package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/snaphook-dev/snaphook/host"
)

// maxDeleted is how many rows one request deletes at most.
const maxDeleted = 1000

// deleteSession deletes a session and all that belongs to it; one that does not
// exist is deleted already. A session that is still worked for is 409; with
// ?force=true its background calls are given up, but never a run.
func (a *api) deleteSession(w http.ResponseWriter, r *http.Request) error {
	return a.dropSessions(w, r, []string{pathVar(r, "session_id")})
}

// deleteSessions deletes several sessions, or none of them.
func (a *api) deleteSessions(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		IDs   []string             `json:"session_ids"`
		Types []host.ComponentKind `json:"session_types"`
	}
	if err := readDocument(w, r, &body, []string{"session_ids", "session_types"}); err != nil {
		return err
	}
	var d bodyDecoder
	d.count("session_ids", len(body.IDs))
	d.count("session_types", len(body.Types))
	for i, kind := range body.Types {
		if !slices.Contains(kinds(), kind) {
			d.fail("session_types."+strconv.Itoa(i), "enum", "Input should be "+quotedList(kinds()), string(kind))
		}
	}
	if err := d.err(); err != nil {
		return err
	}
	if len(body.IDs) != len(body.Types) {
		return &statusError{
			status: http.StatusBadRequest, id: string(host.CodeInvalid),
			detail: "Session IDs and session types must have the same length",
		}
	}
	return a.dropSessions(w, r, body.IDs)
}

// count checks the length of a list.
func (d *bodyDecoder) count(name string, n int) {
	switch {
	case n == 0:
		d.fail(name, "too_short", "List should have at least 1 item", "")
	case n > maxDeleted:
		d.fail(name, "too_long", "List should have at most "+strconv.Itoa(maxDeleted)+" items", "")
	}
}

func (a *api) dropSessions(w http.ResponseWriter, r *http.Request, ids []string) error {
	if err := checkDatabase(r, sessionTable); err != nil {
		return err
	}
	query := newQueryDecoder(r)
	force, user := query.bool("force"), query.text("user_id")
	if err := query.err(); err != nil {
		return err
	}
	if user != "" {
		var err error
		if ids, err = a.ownedBy(r, user, ids); err != nil {
			return err
		}
	}
	if err := a.sessions.DeleteSessions(r.Context(), ids, force); err != nil {
		return withHint(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// ownedBy returns the sessions of a user among ids.
func (a *api) ownedBy(r *http.Request, user string, ids []string) ([]string, error) {
	var owned []string
	for _, id := range ids {
		session, err := a.sessions.Session(r.Context(), id)
		switch {
		case host.CodeOf(err) == host.CodeNotFound:
		case err != nil:
			return nil, err
		case session.UserID == user:
			owned = append(owned, id)
		}
	}
	return owned, nil
}

// withHint says what to do about a session that is worked for.
func withHint(err error) error {
	var busy *host.Error
	if !errors.As(err, &busy) || busy.Code != host.CodeConflict {
		return err
	}
	hint := "; cancel it, or wait for it"
	if errors.Is(err, host.ErrCallsOpen) {
		hint = "; wait for it, or give background calls up with ?force=true"
	}
	return host.Errorf(host.CodeConflict, "%s%s", busy.Message, hint)
}
