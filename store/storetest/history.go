package storetest

import (
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func historyTests() []test {
	return []test{
		{"is the last runs, oldest first", historyOrder},
		{"is whole", historyWhole},
		{"holds completed top-level runs of the session", historyFilter},
		{"of an unknown session", historyUnknown},
		{"turns", turns},
	}
}

// historyOrder gives all runs the same times: the order is that of their ends.
func historyOrder(t *testing.T, s host.Store) {
	for i := range 6 {
		finish(t, s, newRun(fmt.Sprint(6-i), "session"))
	}
	for n, want := range map[int][]string{
		-1: nil,
		0:  nil,
		1:  {"1"},
		3:  {"3", "2", "1"},
		9:  {"6", "5", "4", "3", "2", "1"},
	} {
		wantEqual(t, want, ids(get(s.History(t.Context(), "session", n))(t)))
	}
}

func historyWhole(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	finish(t, s, run)
	want := []host.Run{finished(run, host.RunCompleted)}
	wantEqual(t, want, get(s.History(t.Context(), "session", 3))(t))
}

func historyFilter(t *testing.T, s host.Store) {
	finishTeam(t, s, newRun("first", "session"), "child")
	finish(t, s, newRun("elsewhere", "another"))
	for _, status := range []host.RunStatus{host.RunError, host.RunCancelled} {
		run := newRun(string(status), "session")
		create(t, s, run)
		must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, status)}))
	}
	finish(t, s, newRun("last", "session"))
	create(t, s, newRun("running", "session"))
	wantEqual(t, []string{"first", "last"}, ids(get(s.History(t.Context(), "session", 10))(t)))
	wantEqual(t, []string{"last"}, ids(get(s.History(t.Context(), "session", 1))(t)))
}

func historyUnknown(t *testing.T, s host.Store) {
	if runs := get(s.History(t.Context(), "none", 3))(t); len(runs) > 0 {
		t.Errorf("%d runs", len(runs))
	}
	wantEqual(t, 0, get(s.Turns(t.Context(), "none"))(t))
}

func turns(t *testing.T, s host.Store) {
	finish(t, s, newRun("other", "another"))
	for i, status := range []host.RunStatus{host.RunCompleted, host.RunError, host.RunCancelled} {
		run := newRun(string(status), "session")
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self(), Wait: i%2 == 0}))
		wantEqual(t, i, get(s.Turns(t.Context(), "session"))(t))
		must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, status)}))
		wantEqual(t, i+1, get(s.Turns(t.Context(), "session"))(t))
	}
	finishTeam(t, s, newRun("team", "session"), "child")
	wantEqual(t, 4, get(s.Turns(t.Context(), "session"))(t))
	finish(t, s, newJudge("judge", "team"))
	wantEqual(t, 1, get(s.Turns(t.Context(), "session of judge"))(t))
}
