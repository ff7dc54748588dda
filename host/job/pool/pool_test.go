package pool_test

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

	"go.uber.org/goleak"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler remembers what it was given; work, when set, is done first.
type handler struct {
	work func(ctx context.Context, job pool.Job)

	mu        sync.Mutex
	worked    []string
	abandoned []string
	settle    func() // returned by Work
}

func (h *handler) Work(ctx context.Context, job pool.Job) func() {
	if h.work != nil {
		h.work(ctx, job)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.worked = append(h.worked, job.Call.ID)
	return h.settle
}

func (h *handler) Abandon(_ context.Context, job pool.Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.abandoned = append(h.abandoned, job.Call.ID)
}

// plugin is whose jobs most tests submit.
const plugin = "p"

// newPool makes a pool one plugin may have all of, unless cfg says otherwise.
func newPool(t *testing.T, cfg pool.Config) *pool.Pool {
	t.Helper()
	if cfg.PluginWorkers == 0 && cfg.PluginRoom == 0 {
		cfg.PluginWorkers, cfg.PluginRoom = 1<<20, 1<<20
	}
	p, err := pool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func jobs(n int) []pool.Job {
	out := make([]pool.Job, n)
	for i := range out {
		out[i] = pool.Job{Call: host.HookCall{ID: fmt.Sprint(i), Plugin: plugin}}
	}
	return out
}

// submit hands n jobs over, which must fit.
func submit(t *testing.T, p *pool.Pool, n int) {
	t.Helper()
	if got := p.Reserve(plugin, n); got != n {
		t.Fatalf("room for %d of %d jobs", got, n)
	}
	p.Submit(jobs(n)...)
}

// start runs the pool; the returned function ends it and waits.
func start(t *testing.T, p *pool.Pool, h pool.Handler) (stop func(), ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, h) }()
	return cancel, done
}

func TestNewRefusesNegativeBounds(t *testing.T) {
	t.Parallel()
	for _, cfg := range []pool.Config{
		{Workers: -1}, {Queue: -1}, {PluginWorkers: -1}, {PluginRoom: -1}, {SoftStop: -1},
	} {
		if _, err := pool.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	p := newPool(t, pool.Config{Workers: 2, Queue: 3})
	for _, step := range []struct{ reserve, want int }{{2, 2}, {10, 3}, {1, 0}, {0, 0}} {
		if got := p.Reserve(plugin, step.reserve); got != step.want {
			t.Errorf("reserved %d of %d, want %d", got, step.reserve, step.want)
		}
	}
	p.Return(plugin, 4)
	if got := p.Reserve(plugin, 10); got != 4 {
		t.Errorf("reserved %d of 4", got)
	}
	if got := newPool(t, pool.Config{}).Reserve(plugin, 1<<20); got != 32+1024 {
		t.Errorf("a pool has room for %d by default", got)
	}
}

func TestWorkersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 3, Queue: 7})
		busy := 0
		var mu sync.Mutex
		gate := make(chan struct{})
		h := &handler{work: func(context.Context, pool.Job) {
			mu.Lock()
			busy++
			mu.Unlock()
			<-gate
		}}
		stop, ended := start(t, p, h)
		submit(t, p, 10)
		synctest.Wait()
		if busy != 3 || p.Reserve(plugin, 1) != 0 {
			t.Errorf("%d jobs at once, or a full pool had room", busy)
		}
		close(gate)
		synctest.Wait()
		if len(h.worked) != 10 || p.Reserve(plugin, 10) != 10 {
			t.Errorf("%d jobs done, or their room is not back", len(h.worked))
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWakeSignals(t *testing.T) {
	t.Parallel()
	woken := func(p *pool.Pool) bool {
		select {
		case <-p.Wake():
			return true
		default:
			return false
		}
	}
	p := newPool(t, pool.Config{Workers: 1, Queue: 1})
	p.Nudge()
	p.Nudge()
	if !woken(p) || woken(p) {
		t.Error("two nudges are not one signal")
	}
	if p.Want(plugin); !woken(p) {
		t.Error("no signal though there is room")
	}
	p.Reserve(plugin, 2)
	if p.Want(plugin); woken(p) {
		t.Error("a signal though there is no room")
	}
	if p.Return(plugin, 0); woken(p) {
		t.Error("a signal for nothing")
	}
	if p.Return(plugin, 1); !woken(p) {
		t.Error("no signal when wanted room came back")
	}
	if p.Return(plugin, 1); woken(p) {
		t.Error("a signal nobody wanted")
	}
}

func TestDoneJobWakesWhoWantsRoom(t *testing.T) {
	t.Parallel()
	p := newPool(t, pool.Config{Workers: 1})
	all := p.Reserve(plugin, 1<<20)
	p.Return(plugin, 1)
	gate := make(chan struct{})
	stop, ended := start(t, p, &handler{work: func(context.Context, pool.Job) { <-gate }})
	submit(t, p, 1)
	p.Want(plugin)
	close(gate)
	<-p.Wake()
	p.Return(plugin, all-1)
	stop()
	<-ended
}

func TestStopDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 2, Queue: 8, SoftStop: time.Minute})
		var ended error
		h := &handler{work: func(ctx context.Context, _ pool.Job) {
			timer := time.NewTimer(time.Second)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				ended = context.Cause(ctx)
			}
		}}
		stop, done := start(t, p, h)
		submit(t, p, 10)
		stop()
		<-done
		if len(h.worked) != 10 || len(h.abandoned) != 0 || ended != nil {
			t.Errorf("%d done, %d abandoned, %v", len(h.worked), len(h.abandoned), ended)
		}
		if got := p.Reserve(plugin, 1); got != 0 {
			t.Errorf("a stopped pool has room for %d", got)
		}
	})
}

// Who reserved room before the stop may have leased a job for it already.
func TestStopWaitsForReservedRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 2, Queue: 8, SoftStop: time.Minute})
		h := &handler{}
		stop, ended := start(t, p, h)
		p.Reserve(plugin, 3)
		stop()
		synctest.Wait()
		p.Return(plugin, 1)
		p.Submit(jobs(1)...)
		synctest.Wait()
		select {
		case <-ended:
			t.Error("the pool stopped with room that is reserved")
		default:
		}
		p.Submit(jobs(1)...)
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Error("the pool did not stop")
		}
		if len(h.worked) != 2 {
			t.Errorf("%d jobs done", len(h.worked))
		}
		stop()
	})
}

func TestStopDoesNotWaitForReservedRoomForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 2, Queue: 8, SoftStop: time.Minute})
		h := &handler{}
		stop, ended := start(t, p, h)
		p.Reserve(plugin, 1)
		stop()
		before := time.Now()
		<-ended
		if waited := time.Since(before); waited != time.Minute {
			t.Errorf("stopped after %s", waited)
		}
	})
}

func TestSoftStopCancelsAndAbandons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, pool.Config{Workers: 1, Queue: 3, SoftStop: 20 * time.Second})
		causes := []error{}
		h := &handler{work: func(ctx context.Context, _ pool.Job) {
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
		}}
		stop, done := start(t, p, h)
		submit(t, p, 3)
		synctest.Wait()
		stop()
		before := time.Now()
		<-done
		if waited := time.Since(before); waited != 20*time.Second {
			t.Errorf("stopped after %s", waited)
		}
		if len(causes) != 1 || !errors.Is(causes[0], pool.ErrStopped) {
			t.Errorf("causes %v", causes)
		}
		if !slices.Equal(h.abandoned, []string{"1", "2"}) {
			t.Errorf("abandoned %v", h.abandoned)
		}
	})
}

// Many at once reserve, submit, return and want; nothing is lost, and at the end
// all the room is there again.
func TestStress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, rounds, room = 8, 200, 8
		p := newPool(t, pool.Config{Workers: 4, Queue: room - 4})
		h := &handler{}
		stop, ended := start(t, p, h)
		var group sync.WaitGroup
		var submitted atomic.Int64
		for range callers {
			group.Go(func() {
				for i := range rounds {
					got := p.Reserve(plugin, i%3+1)
					if got == 0 {
						p.Want(plugin)
						<-p.Wake()
						p.Nudge() // somebody else may wait too
						continue
					}
					p.Submit(jobs(got - 1)...)
					p.Return(plugin, 1)
					submitted.Add(int64(got - 1))
				}
			})
		}
		group.Wait()
		synctest.Wait()
		if len(h.worked) != int(submitted.Load()) || len(h.worked) == 0 {
			t.Errorf("%d of %d jobs done", len(h.worked), submitted.Load())
		}
		if got := p.Reserve(plugin, 2*room); got != room {
			t.Errorf("room for %d, want %d", got, room)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestSettlingNeedsNoWorker: a worker goes on to the next job while a result is
// settled; the job's room stays taken until it is, and a stopping pool waits for it.
func TestSettlingNeedsNoWorker(t *testing.T) {
	t.Parallel()
	settling, settled := make(chan struct{}, 2), make(chan struct{})
	h := &handler{settle: func() {
		settling <- struct{}{}
		<-settled
	}}
	p := newPool(t, pool.Config{Workers: 1, Queue: 1})
	stop, ended := start(t, p, h)
	submit(t, p, 2)
	<-settling
	<-settling // with one worker
	if n := p.Reserve(plugin, 1); n != 0 {
		t.Errorf("room for %d jobs while results are settled", n)
	}
	stop()
	close(settled)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
