package storetest

import (
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

func cancelTests() []test {
	return []test{
		{"of a running run", cancelRunning},
		{"of a run under way", cancelUnderWay},
		{"of a run that waits", cancelWaiting},
		{"of a final run", cancelFinal},
		{"before the run", cancelBefore},
		{"before the run under way", cancelBeforeUnderWay},
		{"long before the run", cancelLongBefore},
	}
}

// wantToEndCancelled expects that a run can end CANCELLED only.
func wantToEndCancelled(t *testing.T, s host.Store, run host.Run) {
	t.Helper()
	for _, status := range []host.RunStatus{host.RunCompleted, host.RunError} {
		wantCancelled(t, s.FinishRun(t.Context(), host.Finish{
			Run:   finished(run, status),
			Calls: []host.HookCall{newCall("call", run.ID)},
		}))
	}
	wantEqual(t, run, get(s.Run(t.Context(), run.ID))(t))
	wantEqual(t, 0, len(get(s.HookCalls(t.Context(), run.ID))(t)))
	another := finished(run, host.RunCompleted)
	another.Attempt++
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: another}))

	want := finished(run, host.RunCancelled)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: want}))
	wantEqual(t, want, get(s.Run(t.Context(), run.ID))(t))
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: want}))
}

func cancelRunning(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	create(t, s, run)
	for range 2 {
		must(t, s.CancelRun(t.Context(), "run", at(3)))
	}
	wantToEndCancelled(t, s, run)
}

func cancelUnderWay(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	must(t, s.CancelRun(t.Context(), "run", at(3)))
	wantToEndCancelled(t, s, run)
}

// cancelWaiting: it waits for nobody any more.
func cancelWaiting(t *testing.T, s host.Store) {
	create(t, s, newRun("first", "session"))
	run := newBackgroundRun("run", "session")
	enqueue(t, s, run, newBackgroundRun("next", "session"))
	wantClaimed(t, s)
	must(t, s.CancelRun(t.Context(), "run", at(3)))
	work := claimRun(t, s, "run", at(50))
	if !work.CancelRequested {
		t.Error("the worker is not told of the cancel")
	}
	wantToEndCancelled(t, s, work.Run)
	wantClaimed(t, s)
}

func cancelFinal(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	finish(t, s, run)
	must(t, s.CancelRun(t.Context(), "run", at(3)))
	wantEqual(t, finished(run, host.RunCompleted), get(s.Run(t.Context(), "run"))(t))
	wantEqual(t, 0, len(get(s.RenewLeases(t.Context(), self()))(t)))
}

func cancelBefore(t *testing.T, s host.Store) {
	must(t, s.CancelRun(t.Context(), "run", at(3)))
	must(t, s.CancelRun(t.Context(), "background", at(3)))
	told := map[string]bool{}
	run := newRun("run", "session")
	for _, run := range []host.Run{run, newRun("another", "other")} {
		must(t, s.CreateRun(t.Context(), host.NewRun{
			Run: run, Lease: self(), Wait: true, Cancelled: func() { told[run.ID] = true },
		}))
	}
	wantEqual(t, map[string]bool{"run": true}, told)
	wantEqual(t, []string{"run"}, get(s.RenewLeases(t.Context(), self()))(t))
	wantToEndCancelled(t, s, run)

	enqueue(t, s, newBackgroundRun("background", "session"))
	if !claimRun(t, s, "background", at(50)).CancelRequested {
		t.Error("the worker is not told of the cancel")
	}
}

func cancelBeforeUnderWay(t *testing.T, s host.Store) {
	must(t, s.CancelRun(t.Context(), "run", at(3)))
	run := newRun("run", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	wantToEndCancelled(t, s, run)
}

// cancelLongBefore has a sweep a little more than an hour later.
func cancelLongBefore(t *testing.T, s host.Store) {
	must(t, s.CancelRun(t.Context(), "long ago", at(3)))
	must(t, s.CancelRun(t.Context(), "before", at(5)))
	get(s.Sweep(t.Context(), self().Owner, at(4).Add(time.Hour)))(t)
	create(t, s, newRun("long ago", "a"))
	create(t, s, newRun("before", "b"))
	wantEqual(t, []string{"before"}, get(s.RenewLeases(t.Context(), self()))(t))
}
