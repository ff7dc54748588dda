package storetest

import (
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func sessionDeleteTests() []test {
	return []test{
		{"everything", deletedSession},
		{"unknown", deletedUnknown},
		{"run going on", func(t *testing.T, s host.Store) { deletedRunning(t, s, true) }},
		{"run under way", func(t *testing.T, s host.Store) { deletedRunning(t, s, false) }},
		{"open calls", deletedOpenCalls},
		{"all or none", deletedAllOrNone},
		{"again from the start", deletedAndBack},
	}
}

// full stores a session with two runs, a member of the first, and for each of the
// two a final call, what it found, and a snapshot that only a dead call needs.
func full(t *testing.T, s host.Store, id string, calls ...host.HookCall) {
	t.Helper()
	session := newSession(1)
	session.ID = id
	for i := range calls {
		calls[i].SessionID = id
	}
	for _, name := range []string{"1", "2"} {
		run := newRun(id+name, id)
		create(t, s, run)
		if name == "1" {
			must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember(id+"member", run)}))
		}
		over := newCall("over "+run.ID, run.ID)
		over.SessionID = id
		over.Status, over.SnapshotID = host.HookCallDead, "snapshot of "+run.ID
		over.Evaluations = []host.Evaluation{newEvaluation("found of "+run.ID, over)}
		must(t, s.FinishRun(t.Context(), host.Finish{
			Run: finished(run, host.RunCompleted), Session: &session, Calls: append(calls, over),
			Snapshots: []host.Snapshot{{ID: over.SnapshotID, RunID: run.ID, Context: []byte("{}")}},
		}))
		calls = nil
	}
}

// wantGone expects nothing of a full session.
func wantGone(t *testing.T, s host.Store, id string) {
	t.Helper()
	_, err := s.Session(t.Context(), id)
	wantCode(t, err, host.CodeNotFound)
	for _, run := range []string{id + "1", id + "2", id + "member"} {
		_, err := s.Run(t.Context(), run)
		wantCode(t, err, host.CodeNotFound)
		_, err = s.Snapshot(t.Context(), "snapshot of "+run)
		wantCode(t, err, host.CodeNotFound)
		_, err = s.Evaluation(t.Context(), "found of "+run)
		wantCode(t, err, host.CodeNotFound)
		wantChildren(t, s, run)
		if calls := get(s.HookCalls(t.Context(), run))(t); len(calls) > 0 {
			t.Errorf("%d hook calls are left of run %s", len(calls), run)
		}
	}
	wantEqual(t, 0, get(s.Turns(t.Context(), id))(t))
	wantEqual(t, map[string][]host.ModelUsage{}, get(s.SessionUsage(t.Context(), id))(t))
}

// wantFull expects a full session as it was.
func wantFull(t *testing.T, s host.Store, id string) {
	t.Helper()
	get(s.Session(t.Context(), id))(t)
	wantRuns(t, s, host.RunFilter{SessionID: id}, []string{id + "1", id + "2"}, 0)
	wantChildren(t, s, id+"1", id+"member")
	get(s.Evaluation(t.Context(), "found of "+id+"1"))(t)
	get(s.Snapshot(t.Context(), "snapshot of "+id+"1"))(t)
	if len(get(s.HookCalls(t.Context(), id+"1"))(t)) == 0 || len(get(s.SessionUsage(t.Context(), id))(t)) == 0 {
		t.Errorf("hook calls or usage of session %s are gone", id)
	}
}

func deletedSession(t *testing.T, s host.Store) {
	for _, id := range []string{"a", "b", "c"} {
		full(t, s, id)
	}
	must(t, s.DeleteSessions(t.Context(), []string{"a", "c", "a"}, false))
	wantGone(t, s, "a")
	wantGone(t, s, "c")
	wantFull(t, s, "b")
	wantSessions(t, s, host.SessionFilter{}, []string{"b"}, 1)
}

func deletedUnknown(t *testing.T, s host.Store) {
	must(t, s.DeleteSessions(t.Context(), []string{"none"}, false))
	must(t, s.DeleteSessions(t.Context(), nil, false))
}

func deletedRunning(t *testing.T, s host.Store, wait bool) {
	full(t, s, "a")
	run := newRun("going on", "a")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self(), Wait: wait}))
	for _, dropCalls := range []bool{false, true} {
		wantCode(t, s.DeleteSessions(t.Context(), []string{"a"}, dropCalls), host.CodeConflict)
		wantFull(t, s, "a")
		get(s.Run(t.Context(), run.ID))(t)
	}
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCancelled)}))
	must(t, s.DeleteSessions(t.Context(), []string{"a"}, false))
	wantGone(t, s, "a")
}

// deletedOpenCalls: calls that are not done keep the session, unless they are
// given up; then their workers write nothing any more.
func deletedOpenCalls(t *testing.T, s host.Store) {
	queued, running := newCall("queued", "a1"), newCall("running", "b1")
	full(t, s, "a", queued)
	full(t, s, "b", running)
	must(t, s.StartHookCall(t.Context(), "running", 1, at(3)))
	for _, id := range []string{"a", "b"} {
		wantCode(t, s.DeleteSessions(t.Context(), []string{id}, false), host.CodeConflict)
		wantFull(t, s, id)
		must(t, s.DeleteSessions(t.Context(), []string{id}, true))
		wantGone(t, s, id)
	}
	running.Status = host.HookCallCompleted
	wantCode(t, s.FinishHookCall(t.Context(), 1, running), host.CodeNotFound)
}

func deletedAllOrNone(t *testing.T, s host.Store) {
	full(t, s, "a")
	full(t, s, "b", newCall("queued", "b1"))
	wantCode(t, s.DeleteSessions(t.Context(), []string{"a", "b"}, false), host.CodeConflict)
	wantFull(t, s, "a")
	wantFull(t, s, "b")
}

// deletedAndBack: a session of the same id begins anew.
func deletedAndBack(t *testing.T, s host.Store) {
	full(t, s, "a")
	must(t, s.DeleteSessions(t.Context(), []string{"a"}, false))
	finishSession(t, s, "run", nil, host.Session{ID: "a", Title: "new"})
	wantRuns(t, s, host.RunFilter{SessionID: "a"}, []string{"run"}, 0)
	wantEqual(t, 1, get(s.Turns(t.Context(), "a"))(t))
	wantEqual(t, "new", get(s.Session(t.Context(), "a"))(t).Title)
}
