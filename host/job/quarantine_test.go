package job_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// many are n calls of a plugin with one attempt each: a backoff would hide what a
// quarantine does.
func many(plugin string, n int) []host.HookCall {
	calls := make([]host.HookCall, n)
	for i := range calls {
		calls[i] = queued(fmt.Sprintf("%s%03d", plugin, i))
		calls[i].Plugin, calls[i].MaxAttempts = plugin, 1
		calls[i].NextAttemptAt = time.Now().Add(time.Duration(i) - time.Second) // in this order
	}
	return calls
}

// attempts remembers when which plugin was called.
type attempts struct {
	mu sync.Mutex
	at map[string][]time.Duration
}

// log lets work be seen, by the time since the start.
func (a *attempts) log(work attempt) attempt {
	began := time.Now()
	a.at = map[string][]time.Duration{}
	return func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
		a.mu.Lock()
		a.at[call.Plugin] = append(a.at[call.Plugin], time.Since(began))
		a.mu.Unlock()
		return work(ctx, call, snapshot)
	}
}

func (a *attempts) of(plugin string) []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.at[plugin])
}

// oneWorker makes attempts follow each other, so that they can be counted.
func oneWorker(t *testing.T) func(*job.Config) {
	t.Helper()
	p, err := pool.New(pool.Config{Workers: 1, Queue: 9, PluginRoom: 5})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *job.Config) { c.Pool = p }
}

func TestQuarantineDoubles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen attempts
		f := newFixture(t, newMemory(append(many("bad", 30), many("good", 30)...)...), seen.log(
			func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
				if call.Plugin == "bad" {
					return fails(ctx, call, snapshot)
				}
				return succeeds(ctx, call, snapshot)
			}), oneWorker(t))
		stop := f.start(t)
		pass(time.Hour)
		stop()
		var want []time.Duration
		for range 5 {
			want = append(want, 0)
		}
		at, length := time.Duration(0), time.Second
		for len(want) < 5+16 { // 1 s, 2 s, … 256 s, and then every 5 min
			at += length
			want, length = append(want, at), min(2*length, 5*time.Minute)
		}
		got := seen.of("bad")
		if diff := cmp.Diff(want[:16], got[:16]); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if last := got[len(got)-1] - got[len(got)-2]; last != 5*time.Minute {
			t.Errorf("the last wait is %s", last)
		}
		if n := len(seen.of("good")); n != 30 {
			t.Errorf("%d calls of the other plugin were made", n)
		}
		if names := f.Quarantined(); !slices.Equal(names, []string{"bad"}) || f.Quarantine("good") != nil {
			t.Errorf("in quarantine: %v", names)
		}
	})
}

func TestQuarantineEndsWithATrial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var works atomic.Bool
		var seen attempts
		f := newFixture(t, newMemory(many("p", 20)...), seen.log(
			func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
				if !works.Load() {
					return fails(ctx, call, snapshot)
				}
				<-time.After(100 * time.Millisecond)
				return succeeds(ctx, call, snapshot)
			}), oneWorker(t))
		stop := f.start(t)
		synctest.Wait()
		want := &host.Quarantine{
			Since: began, Until: began.Add(time.Second), Failures: 5,
			Reason: "5 calls in a row failed, the last one: trap: trapped",
		}
		if diff := cmp.Diff(want, f.Quarantine("p")); diff != "" {
			t.Errorf("quarantine (-want +got):\n%s", diff)
		}
		pass(time.Second)
		want.Until, want.Failures, want.Reason = began.Add(3*time.Second), 6, "the trial failed: trap: trapped"
		if diff := cmp.Diff(want, f.Quarantine("p")); diff != "" {
			t.Errorf("quarantine after the trial (-want +got):\n%s", diff)
		}
		works.Store(true)
		pass(2*time.Second + 50*time.Millisecond)
		if n := len(seen.of("p")); n != 7 {
			t.Errorf("%d attempts while the trial goes on, want 7", n)
		}
		pass(time.Minute)
		if n := len(seen.of("p")); n != 20 || f.Quarantine("p") != nil {
			t.Errorf("%d attempts in all, quarantine %+v", n, f.Quarantine("p"))
		}
		for i := range 20 {
			if call := f.store.call(t, fmt.Sprintf("p%03d", i)); !call.Status.Final() || call.Attempt != 1 {
				t.Errorf("call %+v", call)
			}
		}
		stop()
	})
}

func TestQuarantineAfterHalfOfTwenty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		f := newFixture(t, newMemory(many("p", 40)...), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			if n++; n%2 == 0 {
				return fails(ctx, call, snapshot)
			}
			return succeeds(ctx, call, snapshot)
		}, oneWorker(t))
		stop := f.start(t)
		synctest.Wait()
		q := f.Quarantine("p")
		if n != 20 || q == nil || q.Failures != 10 || !strings.HasPrefix(q.Reason, "10 of the last 20 calls failed") {
			t.Errorf("after %d attempts: %+v", n, q)
		}
		stop()
	})
}

// A call that the engine hands over is held back like any other.
func TestQuarantineHoldsWhatIsHandedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen attempts
		f := newFixture(t, newMemory(many("p", 5)...), seen.log(fails), nil)
		stop := f.start(t)
		synctest.Wait()
		call := queued("late")
		call.Owner, call.MaxAttempts = "node", 1
		f.store.mu.Lock()
		f.store.calls["late"] = call
		f.store.mu.Unlock()
		f.pool.Reserve("p", 1)
		f.pool.Submit(pool.Job{Call: call})
		synctest.Wait()
		if got := f.store.call(t, "late"); got.Status != host.HookCallQueued || got.Owner != "" || got.Attempt != 1 {
			t.Errorf("call %+v", got)
		}
		pass(time.Second)
		if got := f.store.call(t, "late"); got.Status != host.HookCallDead || len(seen.of("p")) != 6 {
			t.Errorf("after %d attempts: %+v", len(seen.of("p")), got)
		}
		stop()
	})
}

func TestEndQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		f := newFixture(t, newMemory(many("p", 9)...), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			if works.Load() {
				return succeeds(ctx, call, snapshot)
			}
			return fails(ctx, call, snapshot)
		}, oneWorker(t))
		stop := f.start(t)
		synctest.Wait()
		works.Store(true)
		f.EndQuarantine("p")
		f.EndQuarantine("nobody")
		synctest.Wait()
		if got := f.store.call(t, "p008"); got.Status != host.HookCallCompleted || f.Quarantine("p") != nil {
			t.Errorf("quarantine %+v, call %+v", f.Quarantine("p"), got)
		}
		stop()
	})
}

// What fails by the host's fault says nothing of the plugin.
func TestFaultsOfTheHostDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := many("p", 12)
		for i := range calls {
			calls[i].SnapshotID = "gone"
		}
		panics := many("q", 12)
		f := newFixture(t, newMemory(append(calls, panics...)...), func(context.Context, host.HookCall, []byte) host.HookCall {
			panic("oh no")
		}, nil)
		stop := f.start(t)
		pass(time.Second)
		for _, id := range []string{"p011", "q011"} {
			if got := f.store.call(t, id); got.Status != host.HookCallDead {
				t.Errorf("call %+v", got)
			}
		}
		if names := f.Quarantined(); names != nil {
			t.Errorf("in quarantine: %v", names)
		}
		stop()
	})
}

// A trial that a stopping node interrupts is none.
func TestInterruptedTrial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hangs atomic.Bool
		f := newFixture(t, newMemory(many("p", 7)...), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			if hangs.Load() {
				<-ctx.Done()
			}
			return fails(ctx, call, snapshot)
		}, oneWorker(t))
		stop := f.start(t)
		synctest.Wait()
		hangs.Store(true)
		pass(time.Second)
		stop()
		if got := f.store.call(t, "p005"); got.Status != host.HookCallQueued || got.Owner != "" || got.Attempt != 1 {
			t.Errorf("the trial %+v", got)
		}
		if q := f.Quarantine("p"); q == nil || q.Failures != 5 {
			t.Errorf("quarantine %+v", q)
		}
	})
}

func TestRetriedCallStartsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		f := newFixture(t, newMemory(many("p", 3)...), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			if works.Load() {
				return succeeds(ctx, call, snapshot)
			}
			return fails(ctx, call, snapshot)
		}, oneWorker(t))
		stop := f.start(t)
		synctest.Wait()
		works.Store(true)
		call, err := f.Retry(t.Context(), "p000")
		if err != nil || call.Status != host.HookCallQueued || call.Attempt != 2 {
			t.Errorf("retried %+v, %v", call, err)
		}
		synctest.Wait()
		if got := f.store.call(t, "p000"); got.Status != host.HookCallCompleted {
			t.Errorf("nobody was told: %+v", got)
		}
		if _, err := f.Retry(t.Context(), "p000"); host.CodeOf(err) != host.CodeConflict {
			t.Errorf("retried again: %v", err)
		}
		n, err := f.RetryAll(t.Context(), host.HookCallFilter{Plugin: "p"}, 9)
		if n != 2 || err != nil {
			t.Errorf("retried %d, %v", n, err)
		}
		synctest.Wait()
		if got := f.store.call(t, "p002"); got.Status != host.HookCallCompleted {
			t.Errorf("nobody was told of all: %+v", got)
		}
		stop()
	})
}

// A revived call waits as long between its attempts as a new one.
func TestRevivedCallBeginsItsBackoffAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen attempts
		f := newFixture(t, newMemory(queued("a")), seen.log(fails), nil)
		stop := f.start(t)
		pass(time.Minute)
		if _, err := f.Retry(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		f.EndQuarantine("p")
		pass(time.Minute)
		stop()
		want := []time.Duration{0, time.Second, 6 * time.Second, 60 * time.Second, 61 * time.Second, 66 * time.Second}
		if diff := cmp.Diff(want, seen.of("p")); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if got := f.store.call(t, "a"); got.Status != host.HookCallDead || got.Attempt != 6 || got.MaxAttempts != 6 {
			t.Errorf("call %+v", got)
		}
	})
}

// watcher counts what it is told.
type watcher struct {
	host.Unobserved
	settled map[host.HookCallStatus]int
}

func (w *watcher) HookSettled(call *host.HookCall) { w.settled[call.Status]++ }

func TestObserverIsToldOfTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &watcher{settled: map[host.HookCallStatus]int{}}
		good := queued("good")
		good.Plugin = "good"
		change := oneWorker(t)
		f := newFixture(t, newMemory(queued("bad"), good), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			if call.ID == "bad" {
				return fails(ctx, call, snapshot)
			}
			return succeeds(ctx, call, snapshot)
		}, func(c *job.Config) { change(c); c.Observer = w })
		stop := f.start(t)
		pass(time.Minute)
		stop()
		want := map[host.HookCallStatus]int{host.HookCallDead: 1, host.HookCallCompleted: 1}
		if diff := cmp.Diff(want, w.settled); diff != "" {
			t.Errorf("settled (-want +got):\n%s", diff)
		}
	})
}
