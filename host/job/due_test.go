package job_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
)

// told is a supervisor that is told of what is due and looks for nothing itself.
func told(c *job.Config) { c.Grace = 24 * time.Hour }

func TestDueRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, r := newRunFixture(t, func(context.Context, host.RunWork) error {
			<-time.After(time.Second)
			return nil
		}, told)
		stop := f.start(t)
		f.store.addRun("a", time.Now().Add(500*time.Millisecond)) // by another node's clock
		before := time.Now()
		for _, id := range []string{"a", "a", "unknown"} {
			if err := f.DueRun(t.Context(), id); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		if took := time.Since(before); len(r.begun()) != 1 || took != time.Second {
			t.Errorf("%v begun, returned after %s", r.begun(), took)
		}
		stop()
	})
}

// Runs that are told of and runs that are found share the workers.
func TestDueRunWaitsForAWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, r := newRunFixture(t, func(context.Context, host.RunWork) error {
			<-time.After(time.Minute)
			return nil
		}, func(c *job.Config) { c.Grace = 5 * time.Second })
		f.store.addRun("found", time.Now().Add(-time.Hour))
		for _, id := range []string{"b", "c"} {
			f.store.addRun(id, time.Now())
		}
		stop := f.start(t)
		synctest.Wait()
		go func() { _ = f.DueRun(t.Context(), "b") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.DueRun(ctx, "c"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v with no worker free", err)
		}
		if err := f.DueRun(t.Context(), "c"); err != nil {
			t.Error(err)
		}
		if r.most != 2 || len(r.begun()) != 3 {
			t.Errorf("%d at once, %v begun", r.most, r.begun())
		}
		stop()
	})
}

// A run outlives who told of it.
func TestDueRunGoesOnWithoutItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, _ := newRunFixture(t, func(ctx context.Context, _ host.RunWork) error {
			<-time.After(time.Minute)
			return ctx.Err()
		}, told)
		f.store.addRun("a", time.Now())
		stop := f.start(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.DueRun(ctx, "a"); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		if status, _ := f.store.run(t, "a"); status != host.RunCompleted {
			t.Errorf("run is %s", status)
		}
		stop()
		if err := f.DueRun(t.Context(), "a"); err == nil {
			t.Error("a stopped supervisor took a run")
		}
	})
}

func TestDueRunTellsOfAFailedClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, _ := newRunFixture(t, ends, told)
		broken := errors.New("connection lost")
		f.store.fail = func(method string) error {
			if method == "ClaimRun" || method == "ClaimHookCall" {
				return broken
			}
			return nil
		}
		stop := f.start(t)
		if err := f.DueRun(t.Context(), "a"); !errors.Is(err, broken) {
			t.Errorf("run: error %v", err)
		}
		if _, err := f.DueHookCall(t.Context(), "a", "p"); !errors.Is(err, broken) {
			t.Errorf("hook call: error %v", err)
		}
		if got := f.pool.Reserve("p", 9); got != 4 {
			t.Errorf("room for %d calls is left", got)
		}
		stop()
	})
}

func TestDueHookCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		later := queued("later")
		later.NextAttemptAt = time.Now().Add(time.Minute)
		skewed := queued("skewed") // due by another node's clock
		skewed.NextAttemptAt = time.Now().Add(500 * time.Millisecond)
		var made atomic.Int64
		f := newFixture(t, newMemory(queued("a"), skewed, later),
			func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
				made.Add(1)
				return succeeds(ctx, call, snapshot)
			}, told)
		stop := f.start(t)
		for _, id := range []string{"a", "skewed", "a", "later", "unknown"} {
			if putOff, err := f.DueHookCall(t.Context(), id, "p"); putOff != 0 || err != nil {
				t.Errorf("%s: put off by %s, %v", id, putOff, err)
			}
			synctest.Wait()
		}
		if got := f.store.call(t, "later"); got.Status != host.HookCallQueued || made.Load() != 2 {
			t.Errorf("%d calls made, one before its time: %+v", made.Load(), got)
		}
		if got := f.pool.Reserve("p", 9); got != 4 {
			t.Errorf("room for %d calls is left", got)
		}
		stop()
	})
}

func TestDueHookCallIsPutOffWhileThePoolIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, newMemory(queued("a")), succeeds, told)
		f.pool.Reserve("p", 4)
		if putOff, err := f.DueHookCall(t.Context(), "a", "p"); putOff != 100*time.Millisecond || err != nil {
			t.Errorf("put off by %s, %v", putOff, err)
		}
		if n := f.store.count("ClaimHookCall"); n != 0 {
			t.Error("claimed without room")
		}
	})
}

// Calls of a plugin in quarantine are put off until its end; then one is let
// through, and decides.
func TestDueHookCallInQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		f := newFixture(t, newMemory(many("p", 8)...),
			func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
				if works.Load() {
					<-time.After(time.Second)
					return succeeds(ctx, call, snapshot)
				}
				return fails(ctx, call, snapshot)
			}, told)
		stop := f.start(t)
		due := func(id string, want time.Duration) {
			t.Helper()
			if putOff, err := f.DueHookCall(t.Context(), id, "p"); putOff != want || err != nil {
				t.Errorf("%s: put off by %s, want %s; %v", id, putOff, want, err)
			}
			synctest.Wait()
		}
		for _, id := range []string{"p000", "p001", "p002", "p003", "p004"} {
			due(id, 0)
		}
		due("p005", 1100*time.Millisecond)
		works.Store(true)
		pass(1100 * time.Millisecond)
		due("unknown", 0) // a trial of a call that is gone is no trial
		due("p005", 0)
		due("p006", 100*time.Millisecond)
		pass(time.Second)
		due("p006", 0)
		due("p007", 0)
		pass(time.Second)
		for _, id := range []string{"p005", "p006", "p007"} {
			if got := f.store.call(t, id); got.Status != host.HookCallCompleted {
				t.Errorf("call %+v", got)
			}
		}
		stop()
	})
}
