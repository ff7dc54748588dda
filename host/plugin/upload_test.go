package plugin_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/runtime"
)

const tested = "tests: [{hook: run, context: {input: {content: hi}}, want: {decision: allow}}]\n"

// Of a thousand uploads of one version one is new, the others are the same; the
// work is done once.
func TestInstallAtOnce(t *testing.T) {
	t.Parallel()
	var tests atomic.Int32
	g := &guests{call: func(context.Context, runtime.Source, runtime.Call) (runtime.Result, error) {
		tests.Add(1)
		return runtime.Result{}, nil
	}}
	r := newRegistry(t, plugin.Config{Store: newStore(t), Loader: g})
	manifest := manifestOf("a", "1.0.0", tested)
	var wg sync.WaitGroup
	var created, digests sync.Map
	for i := range 1000 {
		wg.Go(func() {
			got, err := r.Install(t.Context(), manifest, fakeModule)
			if err != nil {
				t.Error(err)
				return
			}
			if got.Created {
				created.Store(i, true)
			}
			digests.Store(got.Plugin.Digest, true)
		})
	}
	wg.Wait()
	if n, m := size(&created), size(&digests); n != 1 || m != 1 {
		t.Errorf("created %d times under %d digests", n, m)
	}
	if loads, open, _ := g.counts(); tests.Load() != 1 || loads != 1 || open != 0 {
		t.Errorf("tested %d times, loaded %d times, %d modules open", tests.Load(), loads, open)
	}
}

func size(m *sync.Map) int {
	n := 0
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// An upload that others wait for is taken over when its client leaves.
func TestInstallIsTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		g := &guests{call: func(ctx context.Context, _ runtime.Source, _ runtime.Call) (runtime.Result, error) {
			if calls.Add(1) > 1 {
				return runtime.Result{}, nil
			}
			<-ctx.Done()
			return runtime.Result{}, &host.CallError{Code: host.CallCancelled, Err: ctx.Err()}
		}}
		r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g})
		leaving, leave := context.WithCancel(t.Context())
		install := func(ctx context.Context, created chan<- bool, errs chan<- error) {
			got, err := r.Install(ctx, manifestOf("a", "1.0.0", tested), fakeModule)
			if err != nil {
				errs <- err
				return
			}
			created <- got.Created
		}
		created, errs := make(chan bool, 3), make(chan error, 3)
		go install(leaving, created, errs)
		synctest.Wait()
		go install(t.Context(), created, errs)
		go install(t.Context(), created, errs)
		synctest.Wait()
		leave()
		synctest.Wait()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("the one who left: %v", err)
		}
		one, other := <-created, <-created
		if one == other || calls.Load() != 2 {
			t.Errorf("those who stayed did not share the work of one: %d calls", calls.Load())
		}
	})
}

// While one plugin is examined, others wait; those who leave get no answer.
func TestInstallOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var running atomic.Int32
		g := &guests{call: func(context.Context, runtime.Source, runtime.Call) (runtime.Result, error) {
			if n := running.Add(1); n > 1 {
				t.Errorf("%d plugins are tested at once", n)
			}
			<-release
			running.Add(-1)
			return runtime.Result{}, nil
		}}
		r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g})
		errs := make(chan error, 3)
		install := func(ctx context.Context, name string) {
			_, err := r.Install(ctx, manifestOf(name, "1.0.0", tested), []byte(name))
			errs <- err
		}
		leaving, leave := context.WithCancel(t.Context())
		go install(t.Context(), "a")
		synctest.Wait()
		go install(t.Context(), "b")
		go install(leaving, "c")
		synctest.Wait()
		leave()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("the one who left: %v", err)
		}
		close(release)
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}
