package pool_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

// jobsOf are n jobs of a plugin, named after it.
func jobsOf(plugin string, n int) []pool.Job {
	out := make([]pool.Job, n)
	for i := range out {
		out[i] = pool.Job{Call: host.HookCall{ID: fmt.Sprint(plugin, i), Plugin: plugin}}
	}
	return out
}

func TestSharesOfRoom(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cfg         pool.Config
		first, rest int
	}{
		{pool.Config{}, 528, 528},
		{pool.Config{Workers: 2, Queue: 2}, 2, 2},
		{pool.Config{Workers: 1, Queue: 1}, 1, 1},
		{pool.Config{Workers: 4, Queue: 4, PluginRoom: 6}, 6, 2},
		{pool.Config{Workers: 4, Queue: 4, PluginRoom: 100}, 8, 0},
	} {
		p, err := pool.New(test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		first, again, rest := p.Reserve("a", 1<<20), p.Reserve("a", 1), p.Reserve("b", 1<<20)
		if first != test.first || again != 0 || rest != test.rest {
			t.Errorf("%+v: room for %d, then %d, and %d of another", test.cfg, first, again, rest)
		}
		p.Return("a", first)
		if got := p.Reserve("a", 1<<20); got != test.first {
			t.Errorf("%+v: room for %d afterwards", test.cfg, got)
		}
	}
}

// A plugin whose jobs never end keeps no other from being worked for.
func TestSlowPluginLeavesWorkersToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := pool.New(pool.Config{Workers: 4, Queue: 40})
		if err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		var mu sync.Mutex
		slow, most := 0, 0
		h := &handler{work: func(_ context.Context, job pool.Job) {
			if job.Call.Plugin != "slow" {
				return
			}
			mu.Lock()
			slow++
			most = max(most, slow)
			mu.Unlock()
			<-gate
			mu.Lock()
			slow--
			mu.Unlock()
		}}
		stop, ended := start(t, p, h)
		p.Reserve("slow", 10)
		p.Submit(jobsOf("slow", 10)...)
		p.Reserve("quick", 10)
		p.Submit(jobsOf("quick", 10)...)
		synctest.Wait()
		if len(h.worked) != 10 || slow != 2 {
			t.Errorf("%d quick jobs done while %d slow ones hang", len(h.worked), slow)
		}
		close(gate)
		synctest.Wait()
		if len(h.worked) != 20 || most != 2 {
			t.Errorf("%d jobs done, %d slow ones at once", len(h.worked), most)
		}
		stop()
		<-ended
	})
}

func TestParkedJobsDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := pool.New(pool.Config{Workers: 4, Queue: 40, SoftStop: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		h := &handler{work: func(context.Context, pool.Job) {
			<-time.After(time.Second)
		}}
		stop, ended := start(t, p, h)
		p.Reserve("slow", 20)
		p.Submit(jobsOf("slow", 20)...)
		synctest.Wait()
		stop()
		<-ended
		if len(h.worked) != 20 || len(h.abandoned) != 0 {
			t.Errorf("%d done, %d abandoned", len(h.worked), len(h.abandoned))
		}
	})
}

func TestParkedJobsAreAbandoned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := pool.New(pool.Config{Workers: 2, Queue: 6, SoftStop: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		h := &handler{work: func(ctx context.Context, _ pool.Job) { <-ctx.Done() }}
		stop, ended := start(t, p, h)
		p.Reserve("slow", 4)
		p.Submit(jobsOf("slow", 4)...)
		synctest.Wait()
		stop()
		<-ended
		if !slices.Equal(h.worked, []string{"slow0"}) || !slices.Equal(h.abandoned, []string{"slow1", "slow2", "slow3"}) {
			t.Errorf("%v done, %v abandoned", h.worked, h.abandoned)
		}
	})
}

// Who waits for room is told of that of its plugin, and of no other's.
func TestWantedRoomOfAPlugin(t *testing.T) {
	t.Parallel()
	woken := func(p *pool.Pool) bool {
		select {
		case <-p.Wake():
			return true
		default:
			return false
		}
	}
	p, err := pool.New(pool.Config{Workers: 2, Queue: 2})
	if err != nil {
		t.Fatal(err)
	}
	p.Reserve("a", 2)
	p.Want("a")
	p.Reserve("b", 1)
	if p.Return("b", 1); woken(p) {
		t.Error("told of room that is not for it")
	}
	if p.Return("a", 1); !woken(p) {
		t.Error("not told of its room")
	}
	p.Reserve("a", 1)
	p.Reserve("b", 2)
	p.Want("c")
	if p.Return("a", 1); !woken(p) {
		t.Error("not told of room in a pool that was full")
	}
}
