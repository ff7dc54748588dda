package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func claimRunTests() []test {
	return []test{
		{"those created first first", claimRunOrder},
		{"only what is due, free and in the background", claimRunFilter},
		{"never twice", claimRunsAtOnce},
		{"one of a session at a time", claimRunOfSession},
		{"behind a foreground run", claimRunBehindForeground},
		{"parallel ones wait for none", claimRunParallel},
		{"one", claimOneRun},
		{"released", releasedRun},
		{"one call", claimOneCall},
		{"are shown in their session", shownUnfinished},
	}
}

// runIDs returns the ids of claimed runs in order.
func runIDs(work []host.RunWork) []string {
	var ids []string
	for _, w := range work {
		ids = append(ids, w.Run.ID)
	}
	return ids
}

func wantClaimed(t *testing.T, s host.Store, want ...string) {
	t.Helper()
	wantEqual(t, want, runIDs(get(s.ClaimRuns(t.Context(), self(), at(50), 9))(t)))
}

// claimRunOrder gives all runs the same time.
func claimRunOrder(t *testing.T, s host.Store) {
	for _, id := range []string{"c", "a", "b"} {
		enqueue(t, s, newBackgroundRun(id, "session of "+id))
	}
	var order []string
	for _, limit := range []int{-1, 0, 2, 2, 2} {
		for _, work := range get(s.ClaimRuns(t.Context(), self(), at(50), limit))(t) {
			order = append(order, work.Run.ID)
			want := newBackgroundRun(work.Run.ID, "session of "+work.Run.ID)
			request := newRequest(want)
			want.Status, want.Attempt = host.RunRunning, 1
			wantEqual(t, host.RunWork{Run: want, Request: request}, work)
			wantEqual(t, want, get(s.Run(t.Context(), want.ID))(t))
		}
		order = append(order, "|")
	}
	wantEqual(t, []string{"|", "|", "c", "a", "|", "b", "|", "|"}, order)
}

func claimRunFilter(t *testing.T, s host.Store) {
	held, late := newBackgroundRun("held", "a"), newBackgroundRun("late", "b")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: held, Lease: self()}))
	late.CreatedAt = at(51)
	enqueue(t, s, late)
	create(t, s, newRun("foreground", "c"))
	enqueue(t, s, newBackgroundRun("over", "d"))
	over := claimRun(t, s, "over", at(50))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(over.Run, host.RunError)}))
	wantClaimed(t, s)
}

func claimRunsAtOnce(t *testing.T, s host.Store) {
	const total = 60
	for i := range total {
		enqueue(t, s, newBackgroundRun(fmt.Sprint(i), fmt.Sprint("session ", i)))
	}
	var mu sync.Mutex
	claims := map[string]int{}
	inParallel(t.Context(), t, 8, func(ctx context.Context, i int) error {
		lease := host.Lease{Owner: fmt.Sprint("node ", i), Until: at(1000)}
		for {
			work, err := s.ClaimRuns(ctx, lease, at(50), 3)
			if err != nil || len(work) == 0 {
				return err
			}
			mu.Lock()
			for _, w := range work {
				claims[w.Run.ID]++
			}
			mu.Unlock()
		}
	})
	for id, n := range claims {
		if n != 1 {
			t.Errorf("run %s was claimed %d times", id, n)
		}
	}
	if len(claims) != total {
		t.Errorf("%d runs were claimed, want %d", len(claims), total)
	}
}

func claimRunOfSession(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("a1", "a"), newBackgroundRun("a2", "a"), newBackgroundRun("b1", "b"), newBackgroundRun("a3", "a"))
	wantClaimed(t, s, "a1", "b1")
	wantClaimed(t, s)
	endWork(t, s, "a1")
	wantClaimed(t, s, "a2")
	must(t, s.ReleaseRun(t.Context(), "a2", 1))
	work := get(s.ClaimRuns(t.Context(), self(), later(), 9))(t)
	wantEqual(t, []string{"a2"}, runIDs(work)) // it keeps its place
	endWork(t, s, "a2")
	wantClaimed(t, s, "a3")
}

// endWork ends a run that was claimed.
func endWork(t *testing.T, s host.Store, id string) {
	t.Helper()
	run := get(s.Run(t.Context(), id))(t)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCompleted)}))
}

func claimRunBehindForeground(t *testing.T, s host.Store) {
	for _, wait := range []bool{true, false} {
		id := fmt.Sprint(wait)
		first := newRun("first "+id, id)
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: first, Lease: self(), Wait: wait}))
		enqueue(t, s, newBackgroundRun("second "+id, id))
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("third "+id, id), Lease: self(), Wait: wait}))
		wantClaimed(t, s)
		must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(first, host.RunCompleted)}))
		wantClaimed(t, s, "second "+id)
	}
}

func claimRunParallel(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("first", "session"))
	parallel := newBackgroundRun("parallel", "session")
	parallel.Parallel = true
	enqueue(t, s, parallel)
	wantClaimed(t, s, "first", "parallel")
	endWork(t, s, "first")
	enqueue(t, s, newBackgroundRun("last", "session"))
	wantClaimed(t, s, "last") // it keeps none waiting
}

func claimOneRun(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("1", "session"), newBackgroundRun("2", "session"))
	create(t, s, newRun("foreground", "another"))
	for _, id := range []string{"2", "foreground", "none"} {
		if work, ok, err := s.ClaimRun(t.Context(), self(), at(50), id); ok || err != nil {
			t.Errorf("claimed %s: %+v, error %v", id, work, err)
		}
	}
	claimRun(t, s, "1", at(50))
	if work, ok, err := s.ClaimRun(t.Context(), self(), at(50), "1"); ok || err != nil {
		t.Errorf("claimed twice: %+v, error %v", work, err)
	}
	endWork(t, s, "1")
	claimRun(t, s, "2", at(50))
}

func releasedRun(t *testing.T, s host.Store) {
	run := newBackgroundRun("run", "session")
	enqueue(t, s, run)
	claimRun(t, s, "run", at(50))
	wantStale(t, s.ReleaseRun(t.Context(), "run", 2))
	wantCode(t, s.ReleaseRun(t.Context(), "none", 1), host.CodeNotFound)
	must(t, s.ReleaseRun(t.Context(), "run", 1))
	work := claimRun(t, s, "run", later())
	run.Status, run.Attempt = host.RunRunning, 2
	wantEqual(t, host.RunWork{Run: run, Request: newRequest(run)}, work)
	wantStale(t, s.ReleaseRun(t.Context(), "run", 1)) // as if nobody had heard of the first
	if taken, ok, err := s.ClaimRun(t.Context(), self(), later(), "run"); ok || err != nil {
		t.Errorf("a release taken back: claimed %+v, error %v", taken, err)
	}
	endWork(t, s, "run")
	wantStale(t, s.ReleaseRun(t.Context(), "run", 2))
}

func claimOneCall(t *testing.T, s host.Store) {
	due := free(newCall("due", "run"), 10)
	finish(t, s, newRun("run", "session"), due, newCall("held", "run"), done(newCall("over", "run")))
	claim := func(id string, n int) (host.HookCall, bool) {
		call, ok, err := s.ClaimHookCall(t.Context(), self(), at(n), id)
		must(t, err)
		return call, ok
	}
	for id, n := range map[string]int{"due": 9, "held": 50, "over": 50, "none": 50} {
		if call, ok := claim(id, n); ok {
			t.Errorf("claimed %+v", call)
		}
	}
	due.Owner, due.LeaseUntil = self().Owner, self().Until
	call, ok := claim("due", 10)
	if !ok {
		t.Error("a call that is due was not claimed")
	}
	wantEqual(t, due, call)
	if again, ok := claim("due", 50); ok {
		t.Errorf("claimed twice: %+v", again)
	}
}

// shownUnfinished: background runs that go on follow the last one that ended.
func shownUnfinished(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("one", "session"), newBackgroundRun("two", "session"))
	late := newBackgroundRun("late", "session")
	late.CreatedAt = at(5)
	enqueue(t, s, late)
	enqueue(t, s, newBackgroundRun("elsewhere", "another"))
	create(t, s, newRun("foreground", "session"))
	wantRuns(t, s, host.RunFilter{Limit: 1}, []string{"one", "two", "late"}, 0)

	claimRun(t, s, "one", at(9))
	wantRuns(t, s, host.RunFilter{}, []string{"one", "two", "late"}, 0)
	endWork(t, s, "one")
	wantRuns(t, s, host.RunFilter{}, []string{"one", "two", "late"}, 0)
	wantRuns(t, s, host.RunFilter{Limit: 1}, []string{"one"}, 1)
	wantRuns(t, s, host.RunFilter{Limit: 1, AfterTurn: 1}, []string{"two", "late"}, 0)
	wantRuns(t, s, host.RunFilter{Status: host.RunPending}, []string{"two", "late"}, 0)
	wantRuns(t, s, host.RunFilter{Status: host.RunCompleted}, []string{"one"}, 0)
	wantRuns(t, s, host.RunFilter{CreatedFrom: at(5)}, []string{"late"}, 0)
	wantRuns(t, s, host.RunFilter{Component: host.BindingScope{Kind: host.KindTeam, ID: "agent"}}, nil, 0)
}
