package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func childTests() []test {
	return []test{
		{"is whole", childWhole},
		{"root under way", childUnderWay},
		{"is not created", childCreated},
		{"refused", childRefused},
		{"is atomic", childAtomic},
		{"of a cancelled root", childOfCancelled},
		{"cancelled", childCancelled},
		{"races with its cancel", childRacesWithCancel},
		{"of a worker that lost its root", childOfZombie},
		{"races with a claim", childRaces},
		{"in order", childOrder},
		{"at once", childrenAtOnce},
		{"of a hook is none", childOfHook},
		{"is no turn", childNoTurn},
		{"goes with its root", childExpires},
		{"deleted, what hooks started stays", childDeleted},
	}
}

// newMember is a run inside another one, COMPLETED.
func newMember(id string, parent host.Run) host.Run {
	run := newRun(id, parent.SessionID)
	run.ParentID, run.RootID, run.Attempt, run.Depth = parent.ID, parent.RootID, parent.Attempt, parent.Depth
	return finished(run, host.RunCompleted)
}

// finishTeam stores a run with members that ends COMPLETED.
func finishTeam(t *testing.T, s host.Store, run host.Run, members ...string) {
	t.Helper()
	create(t, s, run)
	for _, id := range members {
		must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember(id, run)}))
	}
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCompleted)}))
}

func wantChildren(t *testing.T, s host.Store, run string, want ...string) {
	t.Helper()
	if got := ids(get(s.ChildRuns(t.Context(), run))(t)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("inside %s: %v, want %v", run, got, want)
	}
}

func childWhole(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	create(t, s, root)
	member := newMember("member", root)
	member.Step = &host.RunStep{WorkflowID: "flow", ID: "step", Index: []int{2, 1}}
	blocking := done(newCall("blocking", "member"))
	blocking.Evaluations = []host.Evaluation{newEvaluation("found", blocking)}
	queued := newCall("queued", "member")
	queued.Sequence, queued.SnapshotID = 1, "snapshot"
	due := free(newCall("due", "member"), 2)
	due.Sequence = 2
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run: member, Calls: []host.HookCall{blocking, queued, due},
		Snapshots: []host.Snapshot{{ID: "snapshot", RunID: "member", Context: []byte("{}")}},
	}))
	wantEqual(t, member, get(s.Run(t.Context(), "member"))(t))
	wantEqual(t, []host.Run{member}, get(s.ChildRuns(t.Context(), "root"))(t))
	wantEqual(t, blocking.Evaluations[0], get(s.Evaluation(t.Context(), "found"))(t))
	blocking.Evaluations = nil
	wantEqual(t, []host.HookCall{blocking, queued, due}, get(s.HookCalls(t.Context(), "member"))(t))
	claimed := get(s.ClaimHookCalls(t.Context(), self(), at(9), plugin, 9))(t)
	wantEqual(t, []string{"due"}, callIDs(claimed))
	must(t, s.FinishHookCall(t.Context(), 1, done(queued)))
	_, err := s.Snapshot(t.Context(), "snapshot")
	wantCode(t, err, host.CodeNotFound)
}

// childUnderWay: nobody waited for the creation of the root.
func childUnderWay(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: root, Lease: self()}))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("member", root)}))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(root, host.RunCompleted)}))
	wantChildren(t, s, "root", "member")
	wantRuns(t, s, host.RunFilter{}, []string{"root"}, 0)
}

func childCreated(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	create(t, s, root)
	member := newMember("member", root)
	member.Status = host.RunRunning
	for _, wait := range []bool{true, false} {
		if err := s.CreateRun(t.Context(), host.NewRun{Run: member, Lease: self(), Wait: wait}); err == nil {
			t.Error("a run inside another one got a row before its end")
		}
	}
}

func childRefused(t *testing.T, s host.Store) {
	root, over := newRun("root", "session"), newRun("over", "session")
	create(t, s, root)
	finish(t, s, over)
	another := root
	another.Attempt = 2
	for name, parent := range map[string]host.Run{
		"no root": newRun("none", "session"), "a root that ended": over, "another attempt": another,
	} {
		t.Log(name)
		end := zombie(newMember("run", parent))
		end.Run.Attempt, end.Session = parent.Attempt, nil
		wantStale(t, s.FinishRun(t.Context(), end))
		_, err := s.Run(t.Context(), "run")
		wantCode(t, err, host.CodeNotFound)
		wantChildren(t, s, parent.ID)
		wantNothingBeside(t, s)
	}
	first := newMember("run", root)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: first}))
	again := first
	again.Status = host.RunError
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: again, Calls: []host.HookCall{newCall("call", "run")}}))
	wantEqual(t, []host.Run{first}, get(s.ChildRuns(t.Context(), "root"))(t))
	wantNothingBeside(t, s)
}

func childAtomic(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	finish(t, s, newRun("other", "session"), newCall("taken", "other"))
	create(t, s, root)
	calls := []host.HookCall{newCall("call", "run"), newCall("taken", "run")}
	end := host.Finish{Run: newMember("run", root), Calls: calls}
	if err := s.FinishRun(t.Context(), end); err == nil {
		t.Fatal("a hook call was stored twice")
	}
	wantChildren(t, s, "root")
	wantNothingBeside(t, s)
	end.Calls = end.Calls[:1]
	must(t, s.FinishRun(t.Context(), end))
	wantChildren(t, s, "root", "run")
}

func childOfCancelled(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	create(t, s, root)
	must(t, s.CancelRun(t.Context(), "root", at(2)))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("member", root)}))
	wantCancelled(t, s.FinishRun(t.Context(), host.Finish{Run: finished(root, host.RunCompleted)}))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(root, host.RunCancelled)}))
	wantChildren(t, s, "root", "member")
}

// childCancelled: a cancel that came before the end prevails over any other.
func childCancelled(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	create(t, s, root)
	member := newMember("member", root)
	for range 2 {
		must(t, s.CancelRun(t.Context(), "member", at(2)))
	}
	kept := get(s.KeptCancels(t.Context(), []string{"root", "member", "other"}))(t)
	wantEqual(t, []string{"member"}, kept)
	for _, status := range []host.RunStatus{host.RunCompleted, host.RunError} {
		member.Status = status
		wantCancelled(t, s.FinishRun(t.Context(), host.Finish{Run: member, Calls: []host.HookCall{newCall("call", "member")}}))
	}
	wantChildren(t, s, "root")
	wantEqual(t, 0, len(get(s.HookCalls(t.Context(), "member"))(t)))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("another", root)}))
	another := member
	another.Attempt++
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: another}))

	member.Status = host.RunCancelled
	must(t, s.FinishRun(t.Context(), host.Finish{Run: member}))
	must(t, s.CancelRun(t.Context(), "another", at(2)))
	wantEqual(t, 0, len(get(s.KeptCancels(t.Context(), []string{"member", "another"}))(t)))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(root, host.RunCompleted)}))
	wantChildren(t, s, "root", "another", "member")
}

// childRacesWithCancel: a cancel is kept, and the run ends as it says; or the run had
// ended before.
func childRacesWithCancel(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	create(t, s, root)
	for n := range 20 {
		member := newMember(fmt.Sprint(n), root)
		ended := make(chan error, 1)
		go func() { ended <- s.FinishRun(t.Context(), host.Finish{Run: member}) }()
		must(t, s.CancelRun(t.Context(), member.ID, at(2)))
		kept := len(get(s.KeptCancels(t.Context(), []string{member.ID}))(t)) > 0
		if err := <-ended; kept != errors.Is(err, host.ErrCancelled) || !kept && err != nil {
			t.Fatalf("the cancel is kept: %v, and the end came to %v", kept, err)
		}
	}
}

func childOfZombie(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("root", "session"))
	first := claimRun(t, s, "root", at(50)).Run
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("before", first)}))
	must(t, s.ReleaseRun(t.Context(), "root", first.Attempt))
	second := claimRun(t, s, "root", later()).Run
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("after", first)}))
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("before", second)})) // it is found
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("after", second)}))
	wantChildren(t, s, "root", "before", "after")
}

// childRaces: what a worker finds stored once it has the root is all that the worker
// before it will ever have stored.
func childRaces(t *testing.T, s host.Store) {
	for n := range 20 {
		id, member := fmt.Sprint("root ", n), fmt.Sprint("member ", n)
		enqueue(t, s, newBackgroundRun(id, id))
		first := claimRun(t, s, id, at(50)).Run
		ended := make(chan error, 1)
		go func() { ended <- s.FinishRun(t.Context(), host.Finish{Run: newMember(member, first)}) }()
		must(t, s.ReleaseRun(t.Context(), id, first.Attempt))
		takeOver(t, s, id)
		_, missing := s.Run(t.Context(), member)
		switch err := <-ended; {
		case err == nil && missing != nil:
			t.Fatalf("a run was stored behind the back of who took its root over")
		case err != nil && (missing == nil || !errors.Is(err, host.ErrStale)):
			t.Fatalf("error %v, and the run is missing: %v", err, missing)
		}
	}
}

// takeOver claims a run as soon as nobody is in the way.
func takeOver(t *testing.T, s host.Store, id string) {
	t.Helper()
	for {
		_, ok, err := s.ClaimRun(t.Context(), self(), later(), id)
		must(t, err)
		if ok {
			return
		}
	}
}

// childOrder stores children against their order, that of their creation included.
func childOrder(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	create(t, s, root)
	var want []string
	for n := range 15 {
		member := newMember(fmt.Sprint(n), root)
		member.CreatedAt, member.Place = at(n/3), []int{14 - n, n % 2}
		must(t, s.FinishRun(t.Context(), host.Finish{Run: member}))
		want = slices.Insert(want, 0, member.ID)
	}
	inner := newMember("inner", newMember("7", root))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: inner}))
	wantChildren(t, s, "root", want...)
	wantChildren(t, s, "7", "inner")
	wantChildren(t, s, "none")
}

// childOfHook: what a hook started is a run like any other.
func childOfHook(t *testing.T, s host.Store) {
	create(t, s, newRun("judged", "session"))
	for id, wait := range map[string]bool{"waited": true, "lazy": false} {
		judge := newJudge(id, "judged")
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: judge, Lease: self(), Wait: wait}))
		wantEqual(t, judge, get(s.Run(t.Context(), id))(t))
		flush(t, s)
		wantEqual(t, judge, get(s.Run(t.Context(), id))(t))
		must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(judge, host.RunCompleted)}))
		wantRuns(t, s, host.RunFilter{SessionID: judge.SessionID}, []string{id}, 0)
	}
	wantChildren(t, s, "judged")
}

// newJudge is a run that a hook of another one started.
func newJudge(id, judged string) host.Run {
	run := newRun(id, "session of "+id)
	run.ParentID, run.Depth = judged, 1
	return run
}

// childrenAtOnce ends the members of a broadcast.
func childrenAtOnce(t *testing.T, s host.Store) {
	root := newRun("root", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: root, Lease: self()}))
	inParallel(t.Context(), t, 16, func(ctx context.Context, n int) error {
		member := newMember(fmt.Sprint(n), root)
		call := newCall(fmt.Sprint("call ", n), member.ID)
		return s.FinishRun(ctx, host.Finish{Run: member, Calls: []host.HookCall{call}})
	})
	wantEqual(t, 16, len(get(s.ChildRuns(t.Context(), "root"))(t)))
	usage := get(s.SessionUsage(t.Context(), "session"))(t)["session"]
	wantEqual(t, int64(16*7), usage[0].Metrics.TotalTokens)
}

// childNoTurn: lists and counts show a team, not its members.
func childNoTurn(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("one", "session"))
	one := claimRun(t, s, "one", at(50)).Run
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("member of one", one)}))
	wantRuns(t, s, host.RunFilter{}, []string{"one"}, 0)
	backlog := get(s.Backlog(t.Context()))(t)
	wantEqual(t, host.Backlog{RunsRunning: 1}, backlog)
	wantEqual(t, 0, get(s.Turns(t.Context(), "session"))(t))
	endWork(t, s, "one")
	for _, id := range []string{"two", "three"} {
		finishTeam(t, s, newRun(id, "session"), "a of "+id, "b of "+id)
	}
	wantEqual(t, 3, get(s.Turns(t.Context(), "session"))(t))
	wantRuns(t, s, host.RunFilter{Limit: 2}, []string{"one", "two"}, 2)
	wantRuns(t, s, host.RunFilter{Limit: 2, AfterTurn: 2}, []string{"three"}, 0)
	wantRuns(t, s, host.RunFilter{Status: host.RunCompleted}, []string{"one", "two", "three"}, 0)
	wantEqual(t, []string{"two", "three"}, ids(get(s.History(t.Context(), "session", 2))(t)))
}

// childExpires: a run goes with those inside it, once all their calls are final.
func childExpires(t *testing.T, s host.Store) {
	finish(t, s, newRun("gone", "session")) // or else a child could lie where its root was
	root, going := newRun("root", "session"), newRun("going on", "session")
	create(t, s, root)
	create(t, s, going)
	open := newCall("open", "member")
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("member", root), Calls: []host.HookCall{open}}))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("inner", newMember("member", root))}))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: newMember("member of going", going)}))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(root, host.RunCompleted)}))
	all := host.Retention{Runs: at(20)}
	wantEqual(t, host.Expired{Runs: 1}, expire(t, s, all))
	wantChildren(t, s, "root", "member")

	over := ended("open", "member", 15)
	over.Evaluations = []host.Evaluation{newEvaluation("found", over)}
	must(t, s.FinishHookCall(t.Context(), 1, over))
	wantEqual(t, host.Expired{Runs: 1}, expire(t, s, all))
	for _, id := range []string{"root", "member", "inner"} {
		_, err := s.Run(t.Context(), id)
		wantCode(t, err, host.CodeNotFound)
		wantChildren(t, s, id)
	}
	wantEqual(t, 0, len(get(s.HookCalls(t.Context(), "member"))(t)))
	_, err := s.Evaluation(t.Context(), "found")
	wantCode(t, err, host.CodeNotFound)
	wantChildren(t, s, "going on", "member of going")
}

func childDeleted(t *testing.T, s host.Store) {
	finishTeam(t, s, newRun("root", "session"), "member")
	judge := newJudge("judge", "root")
	finishTeam(t, s, judge, "member of judge")
	must(t, s.DeleteSessions(t.Context(), []string{"session"}, false))
	for _, id := range []string{"root", "member"} {
		_, err := s.Run(t.Context(), id)
		wantCode(t, err, host.CodeNotFound)
		wantChildren(t, s, id)
	}
	wantEqual(t, finished(judge, host.RunCompleted), get(s.Run(t.Context(), "judge"))(t))
	wantChildren(t, s, "judge", "member of judge")
}
