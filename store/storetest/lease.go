package storetest

import (
	"slices"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func leaseTests(lacks []Feature) []test {
	tests := []test{
		{"swept runs", sweptRuns},
		{"swept run under way", sweptUnderWay},
		{"swept cancelled run", sweptCancelled},
		{"swept background runs", sweptBackground},
		{"swept calls", sweptCalls},
		{"swept last attempt", sweptLastAttempt},
		{"nothing to sweep", nothingToSweep},
		{"renewed", renewed},
		{"renewed cancelled runs", renewedCancelled},
	}
	if slices.Contains(lacks, ManyNodes) {
		return append(tests, test{"another owner is dead", anotherIsDead})
	}
	return append(tests, test{"another owner lives by its lease", anotherLives})
}

// dead is a lease of a node that is no more.
func dead() host.Lease { return host.Lease{Owner: "dead", Until: at(40)} }

func heldBy(call host.HookCall, lease host.Lease) host.HookCall {
	call.Owner, call.LeaseUntil = lease.Owner, lease.Until
	return call
}

func sweep(t *testing.T, s host.Store, want host.Swept) {
	t.Helper()
	wantEqual(t, want, get(s.Sweep(t.Context(), self().Owner, at(50)))(t))
}

func sweptRuns(t *testing.T, s host.Store) {
	running, pending, mine := newRun("running", "session"), newRun("pending", "session"), newRun("mine", "session")
	pending.Status = host.RunPending
	for _, run := range []host.Run{running, pending} {
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: dead(), Wait: true}))
	}
	create(t, s, mine)
	finish(t, s, newRun("over", "session"))
	sweep(t, s, host.Swept{Runs: 2})

	for _, want := range []host.Run{running, pending} {
		got := get(s.Run(t.Context(), want.ID))(t)
		wantRestarted(t, got)
		want.Status, want.Failure, want.Content, want.FinishedAt = host.RunError, got.Failure, got.Content, at(50)
		wantEqual(t, want, got)
		wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: finished(want, host.RunCompleted)}))
	}
	wantEqual(t, mine, get(s.Run(t.Context(), "mine"))(t))
	wantEqual(t, []string{"over"}, ids(get(s.History(t.Context(), "session", 9))(t)))
	wantEqual(t, 3, get(s.Turns(t.Context(), "session"))(t))
	sweep(t, s, host.Swept{})
}

func wantRestarted(t *testing.T, run host.Run) {
	t.Helper()
	if run.Failure == nil || run.Failure.Type != host.FailureHostRestarted || run.Failure.Message == "" {
		t.Fatalf("failure %+v, want %s with a message", run.Failure, host.FailureHostRestarted)
	}
	if got := host.Text(run.Content); got != run.Failure.Message {
		t.Errorf("content %q, want the message %q", got, run.Failure.Message)
	}
}

func sweptUnderWay(t *testing.T, s host.Store) {
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("run", "session"), Lease: dead()}))
	sweep(t, s, host.Swept{Runs: 1})
	wantRestarted(t, get(s.Run(t.Context(), "run"))(t))
}

// A cancel was promised, whatever became of the owner.
func sweptCancelled(t *testing.T, s host.Store) {
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("run", "session"), Lease: dead(), Wait: true}))
	must(t, s.CancelRun(t.Context(), "run", at(45)))
	sweep(t, s, host.Swept{Runs: 1})
	got := get(s.Run(t.Context(), "run"))(t)
	if got.Status != host.RunCancelled || got.Failure != nil || !got.FinishedAt.Equal(at(50)) {
		t.Errorf("the run is %s at %v, failure %v; want it CANCELLED", got.Status, got.FinishedAt, got.Failure)
	}
}

// Background runs go on elsewhere; their dead worker writes nothing any more.
func sweptBackground(t *testing.T, s host.Store) {
	running, pending := newBackgroundRun("running", "a"), newBackgroundRun("pending", "b")
	running.Status = host.RunRunning
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: running, Lease: dead()}))
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: pending, Lease: dead()}))
	enqueue(t, s, newBackgroundRun("unheld", "c"))
	mine := newBackgroundRun("mine", "d")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: mine, Lease: self()}))
	sweep(t, s, host.Swept{Requeued: 2})

	for _, want := range []host.Run{running, pending} {
		want.Attempt = 1
		wantEqual(t, want, get(s.Run(t.Context(), want.ID))(t))
		if early, ok, err := s.ClaimRun(t.Context(), self(), at(49), want.ID); ok || err != nil {
			t.Errorf("claimed %v before it was due, error %v", early, err)
		}
		work := claimRun(t, s, want.ID, at(50))
		want.Status, want.Attempt = host.RunRunning, 2
		wantEqual(t, host.RunWork{Run: want, Lost: 1}, work)
		zombie := finished(want, host.RunCompleted)
		zombie.Attempt = 1
		wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: zombie}))
	}
	wantEqual(t, mine, get(s.Run(t.Context(), "mine"))(t))
	sweep(t, s, host.Swept{})
}

func sweptCalls(t *testing.T, s host.Store) {
	queued, running := heldBy(newCall("queued", "run"), dead()), heldBy(newCall("running", "run"), dead())
	mine, unheld, over := newCall("mine", "run"), free(newCall("unheld", "run"), 99), done(newCall("over", "run"))
	queued.Position, running.Position, mine.Position, unheld.Position, over.Position = 0, 1, 2, 3, 4
	finish(t, s, newRun("run", "session"), queued, running, mine, unheld, over)
	must(t, s.StartHookCall(t.Context(), "running", 1, at(3)))
	sweep(t, s, host.Swept{Calls: 2})

	running.StartedAt = at(3)
	want := []host.HookCall{free(queued, 50), free(running, 50), mine, unheld, over}
	want[0].Attempt, want[1].Attempt = 2, 2
	wantEqual(t, want, get(s.HookCalls(t.Context(), "run"))(t))
	wantStale(t, s.FinishHookCall(t.Context(), 1, done(running)))
	if claimed := get(s.ClaimHookCalls(t.Context(), self(), at(50), plugin, 9))(t); len(claimed) != 2 {
		t.Errorf("claimed %d calls, want the two that were swept", len(claimed))
	}
	sweep(t, s, host.Swept{})
}

func sweptLastAttempt(t *testing.T, s host.Store) {
	run, call := newRun("run", "session"), heldBy(newCall("call", "run"), dead())
	call.Attempt, call.SnapshotID = call.MaxAttempts, "snapshot"
	create(t, s, run)
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run:       finished(run, host.RunCompleted),
		Calls:     []host.HookCall{call},
		Snapshots: []host.Snapshot{{ID: "snapshot", RunID: "run", Context: []byte("{}")}},
	}))
	sweep(t, s, host.Swept{Dead: 1})

	got := callOf(t, s, "run")
	if got.Status != host.HookCallDead || got.Owner != "" || !got.FinishedAt.Equal(at(50)) {
		t.Errorf("the call is %s, held by %q, finished %v", got.Status, got.Owner, got.FinishedAt)
	}
	if got.Error == nil || got.Error.Code != host.HookErrorWorkerLost || got.Error.Message == "" {
		t.Errorf("error %+v, want %s with a message", got.Error, host.HookErrorWorkerLost)
	}
	wantEqual(t, []byte("{}"), get(s.Snapshot(t.Context(), "snapshot"))(t)) // for a retry
	wantStale(t, s.FinishHookCall(t.Context(), call.Attempt, done(call)))
	sweep(t, s, host.Swept{})
}

func nothingToSweep(t *testing.T, s host.Store) {
	finish(t, s, newRun("over", "session"), newCall("held", "over"), free(newCall("unheld", "over"), 3))
	create(t, s, newRun("run", "session"))
	sweep(t, s, host.Swept{})
}

func renewed(t *testing.T, s host.Store) {
	mine, other, unheld := newCall("mine", "run"), heldBy(newCall("other", "run"), dead()), free(newCall("unheld", "run"), 3)
	mine.Position, other.Position, unheld.Position = 0, 1, 2
	finish(t, s, newRun("run", "session"), mine, other, unheld)
	_, err := s.RenewLeases(t.Context(), host.Lease{Owner: self().Owner, Until: at(2000)})
	must(t, err)
	mine.LeaseUntil = at(2000)
	wantEqual(t, []host.HookCall{mine, other, unheld}, get(s.HookCalls(t.Context(), "run"))(t))
}

func renewedCancelled(t *testing.T, s host.Store) {
	for _, id := range []string{"cancelled", "other", "running", "over"} {
		create(t, s, newRun(id, id))
	}
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("theirs", "session"), Lease: dead(), Wait: true}))
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("lazy", "session"), Lease: self()}))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(newRun("over", "over"), host.RunCompleted)}))
	for _, id := range []string{"cancelled", "other", "theirs", "lazy", "over", "none"} {
		must(t, s.CancelRun(t.Context(), id, at(2)))
	}
	for range 2 { // until they have ended
		cancelled := get(s.RenewLeases(t.Context(), self()))(t)
		slices.Sort(cancelled)
		wantEqual(t, []string{"cancelled", "lazy", "other"}, cancelled)
	}
}

// anotherHolds stores a run and a call of an owner whose lease is not past.
func anotherHolds(t *testing.T, s host.Store) {
	t.Helper()
	other := host.Lease{Owner: "other", Until: at(60)}
	finish(t, s, newRun("over", "session"), heldBy(newCall("call", "over"), other))
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("run", "session"), Lease: other, Wait: true}))
}

func anotherIsDead(t *testing.T, s host.Store) {
	anotherHolds(t, s)
	sweep(t, s, host.Swept{Runs: 1, Calls: 1})
}

func anotherLives(t *testing.T, s host.Store) {
	anotherHolds(t, s)
	sweep(t, s, host.Swept{})
	wantEqual(t, newRun("run", "session"), get(s.Run(t.Context(), "run"))(t))
}
