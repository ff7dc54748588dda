package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// attempt is a scripted handler.
type attempt func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall

func succeeds(_ context.Context, call host.HookCall, _ []byte) host.HookCall {
	call.Error, call.Outcome = nil, host.OutcomeAllowed
	return call
}

func fails(_ context.Context, call host.HookCall, _ []byte) host.HookCall {
	call.Error = &host.HookError{Code: "trap", Message: "trapped"}
	return call
}

// pass lets time go by in a bubble, and what is due happen.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // it takes no time in a bubble
	synctest.Wait()
}

// fixture is a supervisor with its parts.
type fixture struct {
	*job.Supervisor
	store *memory
	pool  *pool.Pool
}

func newFixture(t *testing.T, store *memory, work attempt, change func(*job.Config)) fixture {
	t.Helper()
	p, err := pool.New(pool.Config{
		Workers: 2, Queue: 2, PluginWorkers: 2, PluginRoom: 4, SoftStop: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := job.Config{
		Store: store, Pool: p, Handlers: job.Handlers{HookCall: work}, Node: "node",
		Jitter: func() float64 { return 1 }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := job.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return fixture{Supervisor: s, store: store, pool: p}
}

// start runs the supervisor; the returned function stops it and waits.
func (f fixture) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// queued is a call due now that nobody holds.
func queued(id string) host.HookCall {
	return host.HookCall{
		ID: id, RunID: "r", Plugin: "p", Hook: "h", Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 3, SnapshotID: "snap",
		Spec: &host.HookCallSpec{Retry: pluginapi.Retry{
			MaxAttempts: 3, Initial: pluginapi.Duration(time.Second), Max: pluginapi.Duration(time.Minute),
		}},
	}
}

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	p, err := pool.New(pool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	valid := job.Config{
		Store: newMemory(), Pool: p, Handlers: job.Handlers{HookCall: succeeds}, Node: "node", Log: slog.New(slog.DiscardHandler),
	}
	if _, err := job.New(valid); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*job.Config){
		"store":    func(c *job.Config) { c.Store = nil },
		"pool":     func(c *job.Config) { c.Pool = nil },
		"handler":  func(c *job.Config) { c.Handlers.HookCall = nil },
		"node":     func(c *job.Config) { c.Node = "" },
		"log":      func(c *job.Config) { c.Log = nil },
		"negative": func(c *job.Config) { c.Sweep = -1 },
		"workers":  func(c *job.Config) { c.RunWorkers = -1 },
		"beat":     func(c *job.Config) { c.Beat, c.Lease = time.Second, time.Second },
	} {
		cfg := valid
		change(&cfg)
		if _, err := job.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDueCallsAreCarriedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := []host.HookCall{}
		for i := range 10 {
			calls = append(calls, queued(fmt.Sprint(i)))
		}
		f := newFixture(t, newMemory(calls...), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			if string(snapshot) != "{}" || call.Owner != "node" {
				t.Errorf("call of %q with snapshot %q", call.Owner, snapshot)
			}
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		synctest.Wait()
		for i := range 10 {
			call := f.store.call(t, fmt.Sprint(i))
			if call.Status != host.HookCallCompleted || call.Owner != "" || call.FinishedAt.IsZero() || !call.NextAttemptAt.IsZero() {
				t.Errorf("call %+v", call)
			}
		}
		stop()
	})
}

func TestRetriesWithBackoffUntilDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		f := newFixture(t, newMemory(queued("a")), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			at = append(at, time.Since(begin))
			return fails(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		pass(time.Hour)
		if diff := cmp.Diff([]time.Duration{0, time.Second, 6 * time.Second}, at); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		var states []string
		for _, call := range f.store.history {
			states = append(states, fmt.Sprintf("%s %d", call.Status, call.Attempt))
		}
		if diff := cmp.Diff([]string{"queued 2", "queued 3", "dead 3"}, states); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if dead := f.store.call(t, "a"); dead.FinishedAt.IsZero() || dead.Error == nil || !dead.NextAttemptAt.IsZero() {
			t.Errorf("dead call %+v", dead)
		}
		stop()
	})
}

func TestBackoffGrowsUpToItsMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		call := queued("a")
		call.MaxAttempts, call.Spec.Retry.MaxAttempts = 6, 6
		began := time.Now()
		f := newFixture(t, newMemory(call), fails, func(c *job.Config) { c.Jitter = func() float64 { return 1.2 } })
		stop := f.start(t)
		pass(time.Hour)
		stop()
		var waits []time.Duration
		for _, call := range f.store.history[:5] {
			waits = append(waits, call.NextAttemptAt.Sub(began))
			began = call.NextAttemptAt
		}
		want := []time.Duration{1200 * time.Millisecond, 6 * time.Second, 30 * time.Second, 72 * time.Second, 72 * time.Second}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
	})
}

func TestPanicIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		f := newFixture(t, newMemory(queued("a"), queued("b")), func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			if call.ID == "a" {
				if tries++; tries == 1 {
					panic("oh no")
				}
			}
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		synctest.Wait()
		if got := f.store.call(t, "a"); got.Status != host.HookCallQueued || got.Error.Code != "internal" {
			t.Errorf("panicked call %+v", got)
		}
		if got := f.store.call(t, "b"); got.Status != host.HookCallCompleted {
			t.Errorf("neighbour %+v", got)
		}
		pass(time.Second)
		if got := f.store.call(t, "a"); got.Status != host.HookCallCompleted || got.Attempt != 2 {
			t.Errorf("second attempt %+v", got)
		}
		stop()
	})
}

func TestMissingSnapshotCostsAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		call := queued("a")
		call.SnapshotID, call.MaxAttempts, call.Spec = "gone", 1, nil
		f := newFixture(t, newMemory(call), succeeds, nil)
		stop := f.start(t)
		synctest.Wait()
		if got := f.store.call(t, "a"); got.Status != host.HookCallDead || got.Error.Code != "snapshot" {
			t.Errorf("call %+v", got)
		}
		stop()
	})
}

func TestStaleResultIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("a"), queued("b"))
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			store.mu.Lock()
			defer store.mu.Unlock()
			if call.ID == "a" { // somebody else took it over
				row := store.calls["a"]
				row.Attempt, row.Owner = 2, "other"
				store.calls["a"] = row
			} else { // its run was deleted
				delete(store.calls, "b")
			}
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		synctest.Wait()
		if got := store.call(t, "a"); got.Status != host.HookCallRunning || got.Attempt != 2 || got.Owner != "other" {
			t.Errorf("call %+v", got)
		}
		if n := store.count("FinishHookCall"); n != 2 {
			t.Errorf("stored %d times", n)
		}
		stop()
	})
}

func TestResultWaitsForTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("a"))
		broken := true
		store.fail = func(method string) error {
			if broken && (method == "FinishHookCall" || method == "StartHookCall") {
				return errors.New("disk full")
			}
			return nil
		}
		worked := 0
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			worked++
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		pass(time.Minute)
		tries := store.count("FinishHookCall")
		if tries < 10 || tries > 20 { // 0.1 s, 0.2 s … and every 5 s
			t.Errorf("offered %d times in a minute", tries)
		}
		store.mu.Lock()
		broken = false
		store.mu.Unlock()
		pass(5 * time.Second)
		if got := store.call(t, "a"); got.Status != host.HookCallCompleted || worked != 1 {
			t.Errorf("worked %d times, call %+v", worked, got)
		}
		stop()
	})
}

func TestClaimLoopWakesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		f := newFixture(t, store, succeeds, nil)
		stop := f.start(t)
		add := func(id string, due time.Time) {
			store.mu.Lock()
			defer store.mu.Unlock()
			call := queued(id)
			call.NextAttemptAt = due
			store.calls[id] = call
		}
		synctest.Wait()

		add("nudged", time.Now())
		f.pool.Nudge()
		synctest.Wait()
		if got := store.call(t, "nudged"); got.Status != host.HookCallCompleted {
			t.Errorf("a nudge was not heard: %+v", got)
		}
		add("polled", time.Now())
		pass(5 * time.Second)
		if got := store.call(t, "polled"); got.Status != host.HookCallCompleted {
			t.Errorf("nobody looked: %+v", got)
		}
		due := time.Now().Add(2 * time.Second)
		add("due", due)
		f.pool.Nudge()
		synctest.Wait()
		pass(2 * time.Second)
		if got := store.call(t, "due"); got.Status != host.HookCallCompleted || !got.FinishedAt.Equal(due) {
			t.Errorf("not carried out when due: %+v", got)
		}
		stop()
	})
}

func TestFailedClaimIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"ClaimHookCalls", "DueHookCalls"} {
		synctest.Test(t, func(t *testing.T) {
			store := newMemory(queued("a"))
			failures := 0
			store.fail = func(m string) error {
				if m == method && failures < 3 {
					failures++
					return errors.New("locked")
				}
				return nil
			}
			f := newFixture(t, store, succeeds, nil)
			stop := f.start(t)
			pass(4 * time.Second)
			if got := store.call(t, "a"); got.Status != host.HookCallCompleted || failures != 3 {
				t.Errorf("%s: %d failures, %+v", method, failures, got)
			}
			stop()
		})
	}
}

// More calls than there is room for are claimed as room comes back.
func TestClaimsOnlyWhatFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		for i := range 9 {
			store.calls[fmt.Sprint(i)] = queued(fmt.Sprint(i))
		}
		gate := make(chan struct{})
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			<-gate
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		synctest.Wait()
		store.mu.Lock()
		held := 0
		for _, call := range store.calls {
			if call.Owner != "" {
				held++
			}
		}
		store.mu.Unlock()
		if held != 4 {
			t.Errorf("%d calls held by a pool of 4", held)
		}
		close(gate)
		synctest.Wait()
		for id := range 9 {
			if got := store.call(t, fmt.Sprint(id)); got.Status != host.HookCallCompleted {
				t.Errorf("call %+v", got)
			}
		}
		stop()
	})
}

func TestStoppedCallsAreReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("a"), queued("b"), queued("c"), queued("d"))
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, _ []byte) host.HookCall {
			<-ctx.Done()
			call.Error = &host.HookError{Code: "cancelled", Message: "cancelled"}
			return call
		}, nil)
		stop := f.start(t)
		synctest.Wait()
		stop()
		for _, id := range []string{"a", "b", "c", "d"} {
			if got := store.call(t, id); got.Status != host.HookCallQueued || got.Attempt != 1 || got.Owner != "" {
				t.Errorf("call %+v", got)
			}
		}
	})
}

// A result that is there when the node stops is stored all the same.
func TestResultOfAStoppingNodeIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(queued("a"))
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			<-ctx.Done()
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		synctest.Wait()
		stop()
		if got := store.call(t, "a"); got.Status != host.HookCallCompleted {
			t.Errorf("call %+v", got)
		}
	})
}

func TestAbandonIgnoresWhatIsOver(t *testing.T) {
	t.Parallel()
	store := newMemory(queued("a"))
	f := newFixture(t, store, succeeds, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stale := queued("a")
	stale.Attempt = 7
	f.Abandon(ctx, pool.Job{Call: stale})
	if got := store.call(t, "a"); got.Attempt != 1 {
		t.Errorf("call %+v", got)
	}
	f.Abandon(ctx, pool.Job{Call: queued("nobody")})
	if n := store.count("ReleaseHookCall"); n != 2 {
		t.Errorf("released %d times", n)
	}
}

// Many calls fail and succeed at once on a pool much smaller than their number;
// every one of them comes to an end, with the attempts it needed.
func TestStress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const calls = 300
		store := newMemory()
		for i := range calls {
			call := queued(fmt.Sprint(i))
			call.Plugin = call.ID // or the failures of some would hold up all
			store.calls[call.ID] = call
		}
		var mu sync.Mutex
		tries := map[string]int{}
		f := newFixture(t, store, func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
			mu.Lock()
			tries[call.ID]++
			n := tries[call.ID]
			mu.Unlock()
			if n < len(call.ID) { // 1, 2 or 3 attempts
				return fails(ctx, call, snapshot)
			}
			return succeeds(ctx, call, snapshot)
		}, nil)
		stop := f.start(t)
		pass(time.Minute)
		stop()
		for i := range calls {
			id := fmt.Sprint(i)
			if got := store.call(t, id); got.Status != host.HookCallCompleted || tries[id] != len(id) || got.Attempt != len(id) {
				t.Errorf("%d tries, call %+v", tries[id], got)
			}
		}
	})
}
