package job_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
)

// wall is a clock that can be set while time passes.
type wall struct{ off atomic.Int64 }

func (w *wall) now() time.Time { return time.Now().Round(0).Add(time.Duration(w.off.Load())) }

func (w *wall) set(off time.Duration) { w.off.Store(int64(off)) }

// A clock that is set back keeps no run that is due from being begun, whether this
// node looks for it or is told of it.
func TestRunsOfAClockThatWasSetBack(t *testing.T) {
	t.Parallel()
	for name, grace := range map[string]time.Duration{"found": 0, "told of": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var clock wall
			f, r := newRunFixture(t, ends, func(c *job.Config) { c.Now, c.Grace = clock.now, grace })
			f.store.addRun("run", clock.now())
			clock.set(-5 * time.Hour)
			stop := f.start(t)
			synctest.Wait()
			if grace > 0 {
				if err := f.DueRun(t.Context(), "run"); err != nil {
					t.Error(err)
				}
			}
			if begun := r.begun(); len(begun) != 1 {
				t.Errorf("%s: begun %v", name, begun)
			}
			stop()
		})
	}
}

// A call whose time comes when the clock is set is made at the next look.
func TestCallsOfAClockThatWasSetForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock wall
		call := queued("call")
		call.NextAttemptAt = clock.now().Add(3 * time.Hour)
		f := newFixture(t, newMemory(call), succeeds, func(c *job.Config) { c.Now = clock.now })
		stop := f.start(t)
		synctest.Wait()
		if got := f.store.call(t, "call"); got.Status != host.HookCallQueued {
			t.Errorf("the call is %s before its time", got.Status)
		}
		clock.set(5 * time.Hour)
		pass(5 * time.Second)
		if got := f.store.call(t, "call"); got.Status != host.HookCallCompleted {
			t.Errorf("the call is %s after its time", got.Status)
		}
		stop()
	})
}

// Leases are renewed as time passes, however the clock is set, and by a clock that
// is ahead of its own leases this node judges nobody.
func TestLeasesOfAClockThatIsSet(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-5 * time.Hour, 5 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var clock wall
			f := newFixture(t, newMemory(), succeeds, func(c *job.Config) { c.Now, c.Sweep = clock.now, 3*time.Second })
			stop := f.start(t)
			pass(2500 * time.Millisecond) // after the first beat, before the first sweep
			clock.set(off)
			pass(time.Second)
			if swept := f.store.count("Sweep") > 0; swept == (off > 0) {
				t.Errorf("set by %s: swept %v by a clock no lease is of", off, swept)
			}
			pass(10 * time.Second)
			leases := f.store.renewed
			if last := leases[len(leases)-1]; len(leases) != 7 || clock.now().Sub(last.Until) > 0 {
				t.Errorf("set by %s: %d renewals, the last until %s at %s", off, len(leases), last.Until, clock.now())
			}
			if f.store.count("Sweep") < 2 {
				t.Errorf("set by %s: swept %d times", off, f.store.count("Sweep"))
			}
			stop()
		})
	}
}
