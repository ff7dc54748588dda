package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

// runner is a scripted handler of runs that remembers what it was given.
type runner struct {
	work func(ctx context.Context, work host.RunWork) error

	mu    sync.Mutex
	order []string
	busy  int
	most  int
}

func (r *runner) run(ctx context.Context, work host.RunWork) error {
	r.mu.Lock()
	r.order = append(r.order, work.Run.ID)
	r.busy++
	r.most = max(r.most, r.busy)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.busy--
	}()
	return r.work(ctx, work)
}

// begun returns the ids of the runs that were begun, as often as they were.
func (r *runner) begun() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.order)
}

// newRunFixture is a supervisor whose runs end when work returns nil.
func newRunFixture(t *testing.T, work func(context.Context, host.RunWork) error, change func(*job.Config)) (fixture, *runner) {
	t.Helper()
	store := newMemory()
	r := &runner{work: func(ctx context.Context, w host.RunWork) error {
		if err := work(ctx, w); err != nil {
			return err
		}
		store.end(w.Run.ID)
		return nil
	}}
	f := newFixture(t, store, succeeds, func(c *job.Config) {
		c.RunWorkers, c.Handlers.Run = 2, r.run
		if change != nil {
			change(c)
		}
	})
	return f, r
}

func ends(context.Context, host.RunWork) error { return nil }

// More runs than there are workers are taken as workers come free, in their order.
func TestDueRunsAreCarriedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		f, r := newRunFixture(t, func(_ context.Context, work host.RunWork) error {
			if work.Run.Status != host.RunRunning {
				t.Errorf("run %s is %s", work.Run.ID, work.Run.Status)
			}
			<-gate
			return nil
		}, nil)
		for i := range 7 {
			f.store.addRun(fmt.Sprint(i), time.Now())
		}
		stop := f.start(t)
		synctest.Wait()
		if diff := cmp.Diff([]string{"0", "1"}, slices.Sorted(slices.Values(r.begun()))); diff != "" {
			t.Errorf("begun by two workers (-want +got):\n%s", diff)
		}
		close(gate)
		synctest.Wait()
		for i := range 7 {
			if status, owner := f.store.run(t, fmt.Sprint(i)); status != host.RunCompleted || owner != "" {
				t.Errorf("run %d is %s, held by %q", i, status, owner)
			}
		}
		if r.most != 2 || len(r.begun()) != 7 {
			t.Errorf("%d runs at once, %v begun", r.most, r.begun())
		}
		stop()
	})
}

func TestRunsAreHeardOfAndLookedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, r := newRunFixture(t, ends, nil)
		stop := f.start(t)
		synctest.Wait()

		f.store.addRun("unheard", time.Now())
		f.Receive(host.Signal{Kind: host.SignalEvents, ID: "unheard"})
		synctest.Wait()
		if got := r.begun(); len(got) != 0 {
			t.Errorf("begun: %v", got)
		}
		pass(time.Second)
		f.store.addRun("signalled", time.Now())
		f.Receive(host.Signal{Kind: host.SignalWork})
		synctest.Wait()
		f.store.addRun("nudged", time.Now())
		f.Nudge()
		synctest.Wait()
		if diff := cmp.Diff([]string{"unheard", "signalled", "nudged"}, r.begun()); diff != "" {
			t.Errorf("begun (-want +got):\n%s", diff)
		}
		stop()
	})
}

// With a grace, others are told of due work: this node looks after what they left.
func TestGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, r := newRunFixture(t, ends, func(c *job.Config) { c.Grace = 5 * time.Second })
		stop := f.start(t)
		pass(time.Minute)
		f.store.addRun("run", time.Now())
		call := queued("call")
		call.NextAttemptAt = time.Now()
		f.store.mu.Lock()
		f.store.calls["call"] = call
		f.store.mu.Unlock()
		looks := f.store.count("ClaimRuns")
		f.Receive(host.Signal{Kind: host.SignalWork})
		synctest.Wait()
		if n := f.store.count("ClaimRuns"); n != looks {
			t.Error("looked though others were told")
		}
		f.pool.Nudge() // it sees when the call is due
		pass(4500 * time.Millisecond)
		if got := f.store.call(t, "call"); len(r.begun()) != 0 || got.Status != host.HookCallQueued {
			t.Errorf("taken from others: %v, %+v", r.begun(), got)
		}
		pass(time.Second)
		if got := f.store.call(t, "call"); len(r.begun()) != 1 || got.Status != host.HookCallCompleted {
			t.Errorf("left behind: %v, %+v", r.begun(), got)
		}
		stop()
	})
}

// A run that cannot be carried on is given back, and not taken again in a spin.
func TestFailedRunIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("disk full") },
		"panic": func() error { panic("oh no") },
	} {
		synctest.Test(t, func(t *testing.T) {
			var failures atomic.Int64
			f, r := newRunFixture(t, func(context.Context, host.RunWork) error {
				if failures.Add(1) <= 3 {
					return fail()
				}
				return nil
			}, nil)
			f.store.addRun("a", time.Now())
			stop := f.start(t)
			pass(2500 * time.Millisecond)
			if n := len(r.begun()); n != 3 {
				t.Errorf("%s: begun %d times in 2.5 s", name, n)
			}
			pass(time.Second)
			if status, _ := f.store.run(t, "a"); status != host.RunCompleted || failures.Load() != 4 {
				t.Errorf("%s: run is %s after %d attempts", name, status, failures.Load())
			}
			stop()
		})
	}
}

// This node would renew the lease of a run it does not work on for ever.
func TestReleaseWaitsForTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var once atomic.Bool
		f, r := newRunFixture(t, func(context.Context, host.RunWork) error {
			if once.CompareAndSwap(false, true) {
				return errors.New("connection lost")
			}
			return nil
		}, nil)
		f.store.addRun("a", time.Now())
		broken := true
		f.store.fail = func(method string) error {
			if broken && (method == "ReleaseRun" || method == "ClaimRuns" && len(r.begun()) > 0) {
				return errors.New("connection lost")
			}
			return nil
		}
		stop := f.start(t)
		pass(time.Minute)
		if n := f.store.count("ReleaseRun"); n < 10 || n > 20 {
			t.Errorf("offered %d times in a minute", n)
		}
		f.store.mu.Lock()
		broken = false
		f.store.mu.Unlock()
		pass(10 * time.Second)
		if status, _ := f.store.run(t, "a"); status != host.RunCompleted {
			t.Errorf("run is %s", status)
		}
		stop()
	})
}

func TestRunOfAnotherAttemptIsNotReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		f := newFixture(t, store, succeeds, func(c *job.Config) {
			c.Handlers.Run = func(_ context.Context, work host.RunWork) error {
				store.mu.Lock()
				defer store.mu.Unlock()
				store.runs[work.Run.ID].run.Attempt, store.runs[work.Run.ID].owner = 2, "other"
				return errors.New("stale")
			}
		})
		store.addRun("a", time.Now())
		stop := f.start(t)
		pass(10 * time.Second)
		stop()
		if _, owner := store.run(t, "a"); owner != "other" || store.count("ReleaseRun") != 1 {
			t.Errorf("held by %q after %d releases", owner, store.count("ReleaseRun"))
		}
	})
}

// A stopping node lets its runs go on for a while, holds their leases until then,
// and gives back what did not end.
func TestStoppingNodeDrainsItsRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, r := newRunFixture(t, func(ctx context.Context, work host.RunWork) error {
			if work.Run.ID == "quick" {
				<-time.After(10 * time.Second)
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}, func(c *job.Config) { c.Drain = 15 * time.Second })
		f.store.addRun("quick", time.Now())
		f.store.addRun("slow", time.Now())
		f.store.addRun("waiting", time.Now())
		stop := f.start(t)
		synctest.Wait()
		before := time.Now()
		stop()
		if waited := time.Since(before); waited != 15*time.Second {
			t.Errorf("stopped after %s", waited)
		}
		if status, _ := f.store.run(t, "quick"); status != host.RunCompleted {
			t.Errorf("quick run is %s", status)
		}
		for _, id := range []string{"slow", "waiting"} {
			if status, owner := f.store.run(t, id); status.Final() || owner != "" {
				t.Errorf("%s run is %s, held by %q", id, status, owner)
			}
		}
		if diff := cmp.Diff([]string{"quick", "slow"}, slices.Sorted(slices.Values(r.begun()))); diff != "" {
			t.Errorf("begun (-want +got):\n%s", diff)
		}
		if n := len(f.store.renewed); n != 8 { // at start and every 2 s
			t.Errorf("renewed %d times in 15 s", n)
		}
	})
}

func TestStoppedRunHearsWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		f, _ := newRunFixture(t, func(ctx context.Context, _ host.RunWork) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil // it came to an end after all
		}, nil)
		f.store.addRun("a", time.Now())
		stop := f.start(t)
		synctest.Wait()
		stop()
		if status, _ := f.store.run(t, "a"); !errors.Is(cause, pool.ErrStopped) || status != host.RunCompleted {
			t.Errorf("cause %v, run is %s", cause, status)
		}
	})
}

func TestCancelledRunsAreToldAtTheBeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told [][]string
		f, _ := newRunFixture(t, ends, func(c *job.Config) {
			c.Handlers.Cancelled = func(_ context.Context, ids []string) error {
				told = append(told, ids)
				return nil
			}
		})
		stop := f.start(t)
		synctest.Wait()
		f.store.mu.Lock()
		f.store.cancelled = []string{"a", "b"}
		f.store.mu.Unlock()
		pass(2 * time.Second)
		stop()
		if diff := cmp.Diff([][]string{nil, {"a", "b"}}, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// A node that stops claiming goes on with what it has, and takes what requests
// bring, until the end of Run.
func TestStopClaiming(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		f, r := newRunFixture(t, func(ctx context.Context, _ host.RunWork) error {
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func(c *job.Config) { c.RunWorkers, c.Drain = 3, time.Minute })
		f.store.addRun("quick", time.Now())
		stop := f.start(t)
		synctest.Wait()
		f.StopClaiming()
		f.StopClaiming()
		synctest.Wait()
		f.store.addRun("later", time.Now())
		for _, id := range []string{"found", "told"} {
			f.store.addCall(queued(id))
		}
		f.Nudge()
		if err := f.DueRun(t.Context(), "later"); err == nil {
			t.Error("a run was taken")
		}
		if putOff, err := f.DueHookCall(t.Context(), "told", "p"); putOff == 0 || err != nil {
			t.Errorf("put off %s, %v", putOff, err)
		}
		pass(time.Second)
		close(gate)
		synctest.Wait()
		if f.pool.Reserve("p", 1) != 1 {
			t.Error("the pool takes nothing of a request")
		}
		f.pool.Submit(pool.Job{Call: queued("brought")})
		pass(10 * time.Second)
		if diff := cmp.Diff([]string{"quick"}, r.begun()); diff != "" {
			t.Errorf("begun (-want +got):\n%s", diff)
		}
		for _, id := range []string{"found", "told"} {
			if call := f.store.call(t, id); call.Status != host.HookCallQueued {
				t.Errorf("%+v", call)
			}
		}
		if n := f.store.count("StartHookCall"); n != 1 {
			t.Errorf("%d calls were made", n)
		}
		stop()
	})
}

// The drain of runs begins when the claims end.
func TestStopClaimingDrainsRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, _ := newRunFixture(t, func(ctx context.Context, _ host.RunWork) error {
			<-ctx.Done()
			return ctx.Err()
		}, func(c *job.Config) { c.Drain = 2 * time.Second })
		f.store.addRun("slow", time.Now())
		stop := f.start(t)
		synctest.Wait()
		f.StopClaiming()
		pass(2 * time.Second)
		if n := f.store.count("ReleaseRun"); n != 1 {
			t.Errorf("given back %d times", n)
		}
		stop()
	})
}
