package storetest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func sessionChangeTests() []test {
	return []test{
		{"created", createdSession},
		{"created twice", repeatedSession},
		{"changed", changedSession},
		{"changed while a run goes on", changedMeanwhile},
		{"title", titledSession},
	}
}

func createdSession(t *testing.T, s host.Store) {
	want := newSession(1)
	want.Name, want.State = "name", json.RawMessage(`{"a":"<&>"}`)
	must(t, s.CreateSession(t.Context(), want))
	wantEqual(t, want, get(s.Session(t.Context(), "1"))(t))
	wantEqual(t, 0, get(s.Turns(t.Context(), "1"))(t))
}

func repeatedSession(t *testing.T, s host.Store) {
	must(t, s.CreateSession(t.Context(), newSession(1)))
	again := newSession(1)
	again.Name = "again"
	wantCode(t, s.CreateSession(t.Context(), again), host.CodeConflict)
	wantEqual(t, newSession(1), get(s.Session(t.Context(), "1"))(t))
}

func changedSession(t *testing.T, s host.Store) {
	_, err := s.UpdateSession(t.Context(), "1", host.SessionPatch{At: at(5)})
	wantCode(t, err, host.CodeNotFound)
	want := newSession(1)
	want.UpdatedAt = at(1)
	must(t, s.CreateSession(t.Context(), want))
	name, none := "name", ""
	for i, step := range []struct {
		patch host.SessionPatch
		apply func()
	}{
		{host.SessionPatch{Name: &name}, func() { want.Name = name }},
		{host.SessionPatch{State: json.RawMessage(`{"s":1}`)}, func() { want.State = json.RawMessage(`{"s":1}`) }},
		{host.SessionPatch{Metadata: json.RawMessage(`{"m":1}`)}, func() { want.Metadata = json.RawMessage(`{"m":1}`) }},
		{host.SessionPatch{Name: &none, State: json.RawMessage(`{}`)}, func() { want.Name, want.State = none, json.RawMessage(`{}`) }},
		{host.SessionPatch{}, func() {}},
	} {
		step.patch.At = at(10 + i)
		want.UpdatedAt = step.patch.At
		step.apply()
		wantEqual(t, want, get(s.UpdateSession(t.Context(), "1", step.patch))(t))
		wantEqual(t, want, get(s.Session(t.Context(), "1"))(t))
	}
}

// changedMeanwhile: the end of a run keeps a new name, and the members of a new
// state that the run did not touch.
func changedMeanwhile(t *testing.T, s host.Store) {
	session := newSession(1)
	session.State = json.RawMessage(`{"a":1}`)
	must(t, s.CreateSession(t.Context(), session))
	run := newRun("run", "1")
	create(t, s, run)
	name := "renamed"
	patch := host.SessionPatch{Name: &name, State: json.RawMessage(`{"a":1,"b":2}`), At: at(50)}
	get(s.UpdateSession(t.Context(), "1", patch))(t)
	end := session
	end.State, end.Title, end.UpdatedAt = json.RawMessage(`{"a":3}`), "title", at(60)
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run: finished(run, host.RunCompleted), Session: &end, StateBefore: session.State,
	}))
	got := get(s.Session(t.Context(), "1"))(t)
	if got.Name != "renamed" || got.Title != "title" || string(got.State) != `{"a":3,"b":2}` {
		t.Errorf("the session is %+v with the state %s", got, got.State)
	}
}

// titledSession: the first title stays.
func titledSession(t *testing.T, s host.Store) {
	var titles []string
	for _, title := range []string{"", "first", "second"} {
		finishSession(t, s, "run with "+title, nil, host.Session{ID: "session", Title: title})
		titles = append(titles, get(s.Session(t.Context(), "session"))(t).Title)
	}
	wantEqual(t, ",first,first", strings.Join(titles, ","))
}
