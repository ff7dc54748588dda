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

// finishSession ends a run that found the session with that state and leaves it
// so.
func finishSession(t *testing.T, s host.Store, run string, before json.RawMessage, session host.Session) {
	t.Helper()
	r := newRun(run, session.ID)
	create(t, s, r)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(r, host.RunCompleted), Session: &session, StateBefore: before}))
}
