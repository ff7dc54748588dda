package storetest

import (
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func retentionTests() []test {
	return []test{
		{"keeps all by default", expireNothing},
		{"hook calls", expireHookCalls},
		{"many hook calls", expireMany},
		{"a call that ended late", expireBehindLate},
		{"logs", expireLogs},
		{"runs", expireRuns},
		{"a run with an open call", expireOpenRun},
	}
}

// ended is a call that was made and ended at the nth second.
func ended(id, run string, n int) host.HookCall {
	call := done(newCall(id, run))
	call.CreatedAt, call.FinishedAt = at(n-1), at(n)
	return call
}

func expire(t *testing.T, s host.Store, before host.Retention) host.Expired {
	t.Helper()
	return get(s.Expire(t.Context(), before))(t)
}

func expireNothing(t *testing.T, s host.Store) {
	finish(t, s, newRun("run", "session"), ended("call", "run", 5))
	wantEqual(t, host.Expired{}, expire(t, s, host.Retention{}))
	wantEqual(t, ended("call", "run", 5), callOf(t, s, "run"))
}

func expireHookCalls(t *testing.T, s host.Store) {
	gone := died(t, s, "dead", nil)
	finish(t, s, newRun("run", "session"),
		newCall("held", "run"), free(newCall("due", "run"), 2), ended("old", "run", 9), ended("young", "run", 10))
	before := host.Retention{HookCalls: at(10)}
	wantEqual(t, host.Expired{HookCalls: 2}, expire(t, s, before))
	kept := callIDs(get(s.FindHookCalls(t.Context(), host.HookCallFilter{}, 0, 9))(t).Calls)
	wantEqual(t, []string{"young", "due", "held"}, kept)
	_, err := s.Snapshot(t.Context(), gone.SnapshotID)
	wantCode(t, err, host.CodeNotFound)
	wantEqual(t, host.Expired{}, expire(t, s, before))
}

func expireMany(t *testing.T, s host.Store) {
	const count = 350 // more than one transaction takes
	calls := []host.HookCall{newCall("held", "run")}
	for i := range count {
		calls = append(calls, ended(fmt.Sprint(i), "run", 9))
	}
	finish(t, s, newRun("run", "session"), calls...)
	wantEqual(t, host.Expired{HookCalls: count}, expire(t, s, host.Retention{HookCalls: at(10)}))
	wantEqual(t, "held", callOf(t, s, "run").ID)
}

// A call that took long, or was retried, keeps none behind it.
func expireBehindLate(t *testing.T, s host.Store) {
	late := ended("late", "run", 9)
	late.FinishedAt = at(30)
	finish(t, s, newRun("run", "session"), late, ended("old", "run", 9))
	wantEqual(t, host.Expired{HookCalls: 1}, expire(t, s, host.Retention{HookCalls: at(10)}))
	wantEqual(t, "late", callOf(t, s, "run").ID)
}

func expireLogs(t *testing.T, s host.Store) {
	queued := newCall("queued", "run")
	queued.Logs = ended("", "", 9).Logs // of an attempt that failed
	finish(t, s, newRun("run", "session"), queued, ended("young", "run", 10))
	finish(t, s, newRun("old run", "session"), ended("old", "old run", 9))
	before := host.Retention{Logs: at(10)}
	wantEqual(t, host.Expired{Logs: 1}, expire(t, s, before))
	wantEqual(t, host.Expired{}, expire(t, s, before))
	want := ended("old", "old run", 9)
	want.Logs = []host.LogLine{}
	wantEqual(t, want, callOf(t, s, "old run"))
	for _, call := range get(s.HookCalls(t.Context(), "run"))(t) {
		if len(call.Logs) == 0 {
			t.Errorf("the call %s lost its logs", call.ID)
		}
	}
	must(t, s.FinishHookCall(t.Context(), 1, ended("queued", "run", 9)))
	wantEqual(t, host.Expired{Logs: 1}, expire(t, s, before))
}

func expireRuns(t *testing.T, s host.Store) {
	finish(t, s, newRun("old", "session"), ended("call", "old", 9))
	create(t, s, newRun("running", "session"))
	young := newRun("young", "session")
	young.CreatedAt = at(30)
	finish(t, s, young)
	before := host.Retention{Runs: at(20)}
	wantEqual(t, host.Expired{Runs: 1}, expire(t, s, before))
	wantEqual(t, host.Expired{}, expire(t, s, before))
	_, err := s.Run(t.Context(), "old")
	wantCode(t, err, host.CodeNotFound)
	wantEqual(t, 0, len(get(s.HookCalls(t.Context(), "old"))(t)))
	for _, id := range []string{"running", "young"} {
		get(s.Run(t.Context(), id))(t)
	}
}

func expireOpenRun(t *testing.T, s host.Store) {
	finish(t, s, newRun("run", "session"), newCall("held", "run"), ended("old", "run", 9))
	all := host.Retention{Runs: at(20)}
	wantEqual(t, host.Expired{}, expire(t, s, all))
	wantEqual(t, 2, len(get(s.HookCalls(t.Context(), "run"))(t)))
	must(t, s.FinishHookCall(t.Context(), 1, ended("held", "run", 15)))
	wantEqual(t, host.Expired{Runs: 1}, expire(t, s, all))
}
