package storetest

import (
	"encoding/json"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func sessionTests() []test {
	return []test{
		{"unknown", unknownSession},
		{"inserted and updated", updatedSession},
		{"of background runs", backgroundSession},
	}
}

func unknownSession(t *testing.T, s host.Store) {
	_, err := s.Session(t.Context(), "none")
	wantCode(t, err, host.CodeNotFound)
	finish(t, s, newRun("run", "session"))
	_, err = s.Session(t.Context(), "session")
	wantCode(t, err, host.CodeNotFound)
}

func updatedSession(t *testing.T, s host.Store) {
	want := host.Session{
		ID:        "session",
		Component: host.Component{Kind: host.KindAgent, ID: "agent", Name: "Agent"},
		UserID:    "user",
		Name:      "first",
		State:     json.RawMessage(`{"n":1}`),
		Metadata:  json.RawMessage(`{"m":1}`),
		CreatedAt: at(1),
		UpdatedAt: at(2),
	}
	finishSession(t, s, "1", nil, want)
	wantEqual(t, want, get(s.Session(t.Context(), "session"))(t))

	finishSession(t, s, "2", want.State, host.Session{
		ID: "session", Name: "second", State: json.RawMessage(`{"n":2}`), CreatedAt: at(3), UpdatedAt: at(4),
	})
	want.State, want.UpdatedAt = json.RawMessage(`{"n":2}`), at(4)
	wantEqual(t, want, get(s.Session(t.Context(), "session"))(t))

	finishSession(t, s, "3", want.State, host.Session{ID: "session", Metadata: json.RawMessage(`{"m":3}`), UpdatedAt: at(5)})
	want.State, want.Metadata, want.UpdatedAt = nil, json.RawMessage(`{"m":3}`), at(5)
	wantEqual(t, want, get(s.Session(t.Context(), "session"))(t))
}

// backgroundSession is known when its first run is created, and stays as it is when
// another is.
func backgroundSession(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("1", "session"))
	want := host.Session{
		ID: "session", Component: host.Component{Kind: host.KindAgent, ID: "agent", Name: "Agent"}, UserID: "user",
		CreatedAt: at(1), UpdatedAt: at(1),
	}
	list, total, err := s.Sessions(t.Context(), host.SessionFilter{Limit: 9})
	must(t, err)
	wantEqual(t, []host.Session{want}, list)
	wantEqual(t, 1, total)

	want.Name, want.State, want.UpdatedAt = "name", json.RawMessage(`{"n":1}`), at(2)
	patch := host.SessionPatch{Name: &want.Name, State: want.State, At: at(2)}
	wantEqual(t, want, get(s.UpdateSession(t.Context(), "session", patch))(t))
	second := newBackgroundRun("2", "session")
	second.UserID, second.CreatedAt = "another", at(3)
	enqueue(t, s, second)
	wantEqual(t, want, get(s.Session(t.Context(), "session"))(t))

	ended := want
	ended.Name, ended.Title, ended.State, ended.UpdatedAt = "", "title", json.RawMessage(`{"n":2}`), at(4)
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run: finished(claimRun(t, s, "1", at(9)).Run, host.RunCompleted), Session: &ended, StateBefore: want.State,
	}))
	want.Title, want.State, want.UpdatedAt = ended.Title, ended.State, ended.UpdatedAt
	wantEqual(t, want, get(s.Session(t.Context(), "session"))(t))
}

// finishSession ends a run that found the session with that state and leaves it
// so.
func finishSession(t *testing.T, s host.Store, run string, before json.RawMessage, session host.Session) {
	t.Helper()
	r := newRun(run, session.ID)
	create(t, s, r)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(r, host.RunCompleted), Session: &session, StateBefore: before}))
}
