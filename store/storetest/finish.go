package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func finishTests() []test {
	return []test{
		{"created run", finishCreated},
		{"run under way", finishUnderWay},
		{"run written lazily", finishLazy},
		{"without a final status", finishUnfinished},
		{"unknown run", finishUnknown},
		{"twice", finishTwice},
		{"of another attempt", finishAnotherAttempt},
		{"of another attempt under way", finishAnotherUnderWay},
		{"is atomic", func(t *testing.T, s host.Store) { finishAtomic(t, s, true) }},
		{"is atomic under way", func(t *testing.T, s host.Store) { finishAtomic(t, s, false) }},
		{"fails alone", finishFailsAlone},
		{"at once", finishAtOnce},
	}
}

func finishCreated(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	create(t, s, run)
	want := finished(run, host.RunCompleted)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: want}))
	wantEqual(t, want, get(s.Run(t.Context(), "run"))(t))
}

func finishUnderWay(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	run.Status = host.RunPending
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	must(t, s.StartRun(t.Context(), "run", 1))
	want := finished(run, host.RunError)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: want, Calls: []host.HookCall{newCall("call", "run")}}))
	wantEqual(t, want, get(s.Run(t.Context(), "run"))(t))
	flush(t, s)
	wantEqual(t, want, get(s.Run(t.Context(), "run"))(t))
	wantEqual(t, newCall("call", "run"), callOf(t, s, "run"))
}

func finishLazy(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	flush(t, s)
	want := finished(run, host.RunCancelled)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: want}))
	wantEqual(t, want, get(s.Run(t.Context(), "run"))(t))
}

func finishUnfinished(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	create(t, s, run)
	if err := s.FinishRun(t.Context(), host.Finish{Run: run}); err == nil {
		t.Error("a run that is still RUNNING was finished")
	}
}

func finishUnknown(t *testing.T, s host.Store) {
	err := s.FinishRun(t.Context(), host.Finish{Run: finished(newRun("run", "session"), host.RunCompleted)})
	wantCode(t, err, host.CodeNotFound)
}

func finishTwice(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	finish(t, s, run)
	again := host.Finish{
		Run:     finished(run, host.RunCancelled),
		Session: &host.Session{ID: "session"},
		Calls:   []host.HookCall{newCall("call", "run")},
	}
	wantStale(t, s.FinishRun(t.Context(), again))
	wantEqual(t, finished(run, host.RunCompleted), get(s.Run(t.Context(), "run"))(t))
	wantNothingBeside(t, s)
}

func finishAnotherAttempt(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	create(t, s, run)
	wantStale(t, s.FinishRun(t.Context(), zombie(run)))
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
	wantNothingBeside(t, s)
}

func finishAnotherUnderWay(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	wantStale(t, s.FinishRun(t.Context(), zombie(run)))
	flush(t, s)
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
	wantNothingBeside(t, s)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCompleted)}))
}

// zombie is the end of run that another attempt reports.
func zombie(run host.Run) host.Finish {
	run.Attempt = 2
	return host.Finish{
		Run:       finished(run, host.RunCompleted),
		Session:   &host.Session{ID: "session"},
		Calls:     []host.HookCall{newCall("call", "run")},
		Snapshots: []host.Snapshot{{ID: "snapshot", RunID: "run", Context: []byte("{}")}},
	}
}

// wantNothingBeside expects that a refused finish left no session, call or
// snapshot of the fixtures.
func wantNothingBeside(t *testing.T, s host.Store) {
	t.Helper()
	_, err := s.Session(t.Context(), "session")
	wantCode(t, err, host.CodeNotFound)
	_, err = s.Snapshot(t.Context(), "snapshot")
	wantCode(t, err, host.CodeNotFound)
	if calls := get(s.HookCalls(t.Context(), "run"))(t); len(calls) > 0 {
		t.Errorf("%d hook calls were stored", len(calls))
	}
}

func finishAtomic(t *testing.T, s host.Store, wait bool) {
	finish(t, s, newRun("other", "session"), newCall("taken", "other"))
	run := newRun("run", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self(), Wait: wait}))
	end := host.Finish{
		Run:       finished(run, host.RunCompleted),
		Session:   &host.Session{ID: "session", CreatedAt: at(1), UpdatedAt: at(2)},
		Calls:     []host.HookCall{newCall("call", "run"), newCall("taken", "run")},
		Snapshots: []host.Snapshot{{ID: "snapshot", RunID: "run", Context: []byte("{}")}},
	}
	if err := s.FinishRun(t.Context(), end); err == nil {
		t.Fatal("a hook call was stored twice")
	}
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
	flush(t, s)
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
	wantNothingBeside(t, s)

	end.Calls = end.Calls[:1]
	must(t, s.FinishRun(t.Context(), end))
	wantEqual(t, end.Run, get(s.Run(t.Context(), "run"))(t))
	wantEqual(t, end.Calls[0], callOf(t, s, "run"))
	wantEqual(t, end.Snapshots[0].Context, get(s.Snapshot(t.Context(), "snapshot"))(t))
}

// finishFailsAlone finishes good and bad runs at once.
func finishFailsAlone(t *testing.T, s host.Store) {
	finish(t, s, newRun("other", "session"), newCall("taken", "other"))
	inParallel(t.Context(), t, 32, func(ctx context.Context, i int) error {
		run := newRun(fmt.Sprint("run ", i), fmt.Sprint("session ", i))
		call, bad := newCall(fmt.Sprint("call ", i), run.ID), i%4 == 0
		call.SessionID = run.SessionID
		if bad {
			call.ID = "taken"
		}
		if err := s.CreateRun(ctx, host.NewRun{Run: run, Lease: self(), Wait: i%2 == 0}); err != nil {
			return err
		}
		err := s.FinishRun(ctx, host.Finish{Run: finished(run, host.RunCompleted), Calls: []host.HookCall{call}})
		if bad != (err != nil) {
			return fmt.Errorf("run %d: error %w, want one: %t", i, err, bad)
		}
		return nil
	})
	for i := range 32 {
		id, want := fmt.Sprint("run ", i), host.RunCompleted
		if i%4 == 0 {
			want = host.RunRunning
		}
		if got := get(s.Run(t.Context(), id))(t).Status; got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
}

// finishAtOnce has eight clients run in sessions of their own.
func finishAtOnce(t *testing.T, s host.Store) {
	const clients, runs = 8, 25
	inParallel(t.Context(), t, clients, func(ctx context.Context, client int) error {
		session := fmt.Sprint("session ", client)
		for i := range runs {
			run := newRun(fmt.Sprintf("run %d of %d", i, client), session)
			if err := s.CreateRun(ctx, host.NewRun{Run: run, Lease: self(), Wait: i%5 == 0}); err != nil {
				return err
			}
			if _, err := s.Run(ctx, run.ID); err != nil {
				return err
			}
			calls := []host.HookCall{newCall("a of "+run.ID, run.ID), newCall("b of "+run.ID, run.ID)}
			calls[0].SessionID, calls[1].SessionID = session, session
			err := s.FinishRun(ctx, host.Finish{Run: finished(run, host.RunCompleted), Calls: calls})
			if err != nil {
				return err
			}
		}
		history, err := s.History(ctx, session, runs+1)
		if err != nil || len(history) != runs {
			return fmt.Errorf("history of %d runs, want %d: %w", len(history), runs, err)
		}
		return nil
	})
}
