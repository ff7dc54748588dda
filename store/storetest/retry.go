package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func retryTests() []test {
	return []test{
		{"a dead call", retriedDead},
		{"to death and again", retriedAgain},
		{"only what is dead", retriedOnlyDead},
		{"without its snapshot", retriedWithoutSnapshot},
		{"many", retriedMany},
		{"backlog", backlog},
	}
}

// died stores a call that died at its third attempt, in a run of its own; change
// may make it another.
func died(t *testing.T, s host.Store, id string, change func(*host.HookCall)) host.HookCall {
	t.Helper()
	run := newRun("run of "+id, "session")
	call := newCall(id, run.ID)
	call.SnapshotID, call.Attempt = "snapshot of "+id, 3
	call.Spec.Retry = pluginapi.Retry{MaxAttempts: 3}
	if change != nil {
		change(&call)
	}
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run: begun(t, s, run), Calls: []host.HookCall{call},
		Snapshots: []host.Snapshot{{ID: "snapshot of " + id, RunID: run.ID, Context: []byte(`{"of":"` + id + `"}`)}},
	}))
	call = done(call)
	call.Status, call.Outcome, call.Decision = host.HookCallDead, "", ""
	call.Error = &host.HookError{Code: "trap", Message: "unreachable"}
	must(t, s.FinishHookCall(t.Context(), 3, call))
	return call
}

// begun creates a run and returns its end.
func begun(t *testing.T, s host.Store, run host.Run) host.Run {
	t.Helper()
	create(t, s, run)
	return finished(run, host.RunCompleted)
}

func retriedDead(t *testing.T, s host.Store) {
	want := died(t, s, "call", nil)
	want.Status, want.Attempt, want.MaxAttempts = host.HookCallQueued, 4, 6
	want.NextAttemptAt, want.StartedAt, want.FinishedAt = at(40), time.Time{}, time.Time{}
	wantEqual(t, want, get(s.RetryHookCall(t.Context(), "call", at(40)))(t))
	wantEqual(t, want, callOf(t, s, "run of call"))

	wantStale(t, s.FinishHookCall(t.Context(), 3, done(want)))
	want.Owner, want.LeaseUntil = self().Owner, self().Until
	wantEqual(t, []host.HookCall{want}, get(s.ClaimHookCalls(t.Context(), self(), at(40), plugin, 5))(t))
	must(t, s.FinishHookCall(t.Context(), 4, done(want)))
	_, err := s.Snapshot(t.Context(), want.SnapshotID)
	wantCode(t, err, host.CodeNotFound)
}

func retriedAgain(t *testing.T, s host.Store) {
	died(t, s, "call", nil)
	call := get(s.RetryHookCall(t.Context(), "call", at(40)))(t)
	call.Status, call.Attempt = host.HookCallDead, 6
	must(t, s.FinishHookCall(t.Context(), 4, call))
	call = get(s.RetryHookCall(t.Context(), "call", at(41)))(t)
	if call.Attempt != 7 || call.MaxAttempts != 9 || call.Retries() != 0 {
		t.Errorf("attempt %d of %d after %d retries", call.Attempt, call.MaxAttempts, call.Retries())
	}
}

func retriedOnlyDead(t *testing.T, s host.Store) {
	skipped := newCall("skipped", "run")
	skipped.Status = host.HookCallSkipped
	finish(t, s, newRun("run", "session"), newCall("queued", "run"), done(newCall("completed", "run")), skipped)
	for _, id := range []string{"queued", "completed", "skipped"} {
		_, err := s.RetryHookCall(t.Context(), id, at(40))
		wantCode(t, err, host.CodeConflict)
	}
	_, err := s.RetryHookCall(t.Context(), "none", at(40))
	wantCode(t, err, host.CodeNotFound)
	wantEqual(t, 0, get(s.RetryHookCalls(t.Context(), host.HookCallFilter{}, at(40), 9))(t))
}

func retriedWithoutSnapshot(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	call.SnapshotID = "gone"
	finish(t, s, newRun("run", "session"), call)
	call.Status = host.HookCallDead
	must(t, s.FinishHookCall(t.Context(), 1, call))
	_, err := s.RetryHookCall(t.Context(), "call", at(40))
	wantCode(t, err, host.CodeConflict)
	wantEqual(t, 0, get(s.RetryHookCalls(t.Context(), host.HookCallFilter{}, at(40), 9))(t))
}

func retriedMany(t *testing.T, s host.Store) {
	const count = 230 // more than one transaction takes
	run := begun(t, s, newRun("run", "session"))
	end := host.Finish{Run: run, Snapshots: []host.Snapshot{{ID: "snapshot", RunID: run.ID, Context: []byte(`{}`)}}}
	for i := range count {
		call := done(newCall(fmt.Sprint(i), run.ID))
		call.Status, call.Position, call.SnapshotID = host.HookCallDead, i, "snapshot"
		end.Calls = append(end.Calls, call)
	}
	must(t, s.FinishRun(t.Context(), end))
	died(t, s, "other", func(call *host.HookCall) { call.Plugin = "other" })

	ours := host.HookCallFilter{Plugin: plugin}
	wantEqual(t, 0, get(s.RetryHookCalls(t.Context(), ours, at(40), 0))(t))
	wantEqual(t, 2, get(s.RetryHookCalls(t.Context(), ours, at(40), 2))(t))
	for i, call := range get(s.HookCalls(t.Context(), run.ID))(t)[:3] {
		if revived := call.Status == host.HookCallQueued && call.Attempt == 2; revived != (i < 2) {
			t.Errorf("call %d is %s at attempt %d", i, call.Status, call.Attempt)
		}
	}
	wantEqual(t, count-2, get(s.RetryHookCalls(t.Context(), ours, at(40), 10*count))(t))
	if call := callOf(t, s, "run of other"); call.Status != host.HookCallDead {
		t.Errorf("the other plugin's call is %s", call.Status)
	}
}

func backlog(t *testing.T, s host.Store) {
	wantEqual(t, host.Backlog{}, get(s.Backlog(t.Context()))(t))
	died(t, s, "dead", nil)
	early := free(newCall("early", "run"), 10)
	early.Plugin = "zebra"
	finish(t, s, newRun("run", "session"), newCall("running", "run"), done(newCall("over", "run")),
		free(newCall("late", "run"), 20), early)
	must(t, s.StartHookCall(t.Context(), "running", 1, at(3)))
	flush(t, s)
	wantEqual(t, host.Backlog{Queued: 2, Running: 1, Dead: 1, Due: at(10)}, get(s.Backlog(t.Context()))(t))
}
