package job_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
)

func TestLeasesAreKeptWhileThePoolDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("a"))
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			timer := time.NewTimer(15 * time.Second)
			defer timer.Stop()
			<-timer.C
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		synctest.Wait()
		stop()
		if n := len(store.renewed); n != 8 { // at start and every 2 s
			t.Errorf("renewed %d times in 15 s", n)
		}
		last := store.renewed[len(store.renewed)-1]
		if last.Owner != "node" || time.Until(last.Until) < 8*time.Second {
			t.Errorf("lease %+v", last)
		}
		if got := store.call(t, "a"); got.Status != host.HookCallCompleted {
			t.Errorf("call %+v", got)
		}
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	store := newMemory()
	f := newFixture(t, store, succeeds, nil)
	woken := func() bool {
		select {
		case <-f.pool.Wake():
			return true
		default:
			return false
		}
	}
	if err := f.Sweep(t.Context()); err != nil || woken() {
		t.Errorf("an empty sweep: %v", err)
	}
	store.swept = host.Swept{Runs: 1, Calls: 2, Dead: 1}
	if err := f.Sweep(t.Context()); err != nil || !woken() {
		t.Errorf("nobody was told of due calls: %v", err)
	}
	broken := errors.New("disk full")
	store.fail = func(string) error { return broken }
	if err := f.Sweep(t.Context()); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestSweepsAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		store.fail = func(method string) error {
			if method == "Sweep" {
				return errors.New("locked")
			}
			return nil
		}
		f := newFixture(t, store, succeeds, func(c *job.Config) { c.Sweep = 500 * time.Millisecond })
		stop := f.start(t)
		pass(10*time.Second + time.Millisecond)
		if sweeps, beats := store.count("Sweep"), store.count("RenewLeases"); sweeps != 20 || beats != 6 {
			t.Errorf("%d sweeps, %d renewals in 10 s", sweeps, beats)
		}
		if store.log[0] != "RenewLeases" {
			t.Errorf("%s came first", store.log[0])
		}
		stop()
	})
}

// A node that could not renew its leases for so long that they are past judges
// nobody until it has.
func TestOnlyTheLivingSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		broken := func(method string) error {
			if method == "RenewLeases" {
				return errors.New("locked")
			}
			return nil
		}
		store.fail = broken
		f := newFixture(t, store, succeeds, func(c *job.Config) { c.Sweep = time.Second })
		stop := f.start(t)
		pass(9500 * time.Millisecond)
		if n := store.count("Sweep"); n != 0 {
			t.Errorf("%d sweeps before the first renewal", n)
		}
		set := func(fail func(string) error) {
			store.mu.Lock()
			defer store.mu.Unlock()
			store.fail = fail
		}
		set(nil)
		pass(time.Second) // renewed at 10 s
		set(broken)
		pass(time.Minute)
		if n := store.count("Sweep"); n < 9 || n > 10 {
			t.Errorf("%d sweeps with a lease of 10 s", n)
		}
		stop()
	})
}

func TestAttendsUntilItHasDrained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("a"))
		lost := 0
		store.fail = func(method string) error {
			if method == "Attend" && lost < 2 {
				lost++
				return errors.New("connection lost")
			}
			return nil
		}
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			<-time.After(10 * time.Second)
			if n := store.count("Attended"); n != 0 {
				t.Error("left before its calls had ended")
			}
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		pass(5 * time.Second)
		stop()
		if attends, ends := store.count("Attend"), store.count("Attended"); attends != 3 || ends != 1 {
			t.Errorf("attended %d times, ended %d times", attends, ends)
		}
	})
}
