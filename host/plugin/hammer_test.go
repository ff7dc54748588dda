package plugin_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

// counting is a Loader that counts the modules of another that are open.
type counting struct {
	plugin.Loader
	loads, open atomic.Int32
}

func (c *counting) Load(ctx context.Context, source runtime.Source) (plugin.Module, error) {
	m, err := c.Loader.Load(ctx, source)
	if err != nil {
		return nil, err
	}
	c.loads.Add(1)
	c.open.Add(1)
	return &counted{m, &c.open}, nil
}

type counted struct {
	plugin.Module
	open *atomic.Int32
}

func (c *counted) Close(ctx context.Context) error {
	c.open.Add(-1)
	return c.Module.Close(ctx)
}

// hammerSwaps is how often versions are swapped.
const hammerSwaps = 200

// Versions are swapped hammerSwaps times while hammerCalls calls are made. Each
// call is answered by the version that was active when it began, none fails, and
// no module stays open.
func TestHammerSwaps(t *testing.T) {
	t.Parallel()
	loader := &counting{Loader: newLoader(t)}
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: loader})
	answers := map[string]string{"1.0.0": "one", "2.0.0": "two"}
	install(t, r, manifestOf("a", "2.0.0", ""), answering(t, "two"))
	activate(t, r, manifestOf("a", "1.0.0", ""), answering(t, "one"))
	if err := r.PutBindings(t.Context(), greeter.Scope(), bindingsOf("a")); err != nil {
		t.Fatal(err)
	}
	due := make(chan struct{}) // a caller waits for the swap before: all happen during calls
	var calls atomic.Int64
	var callers sync.WaitGroup
	for i := range 8 {
		mode := []pluginapi.Mode{pluginapi.ModeBlocking, pluginapi.ModeBackground}[i%2]
		callers.Go(func() {
			for n := calls.Add(1); n <= hammerCalls; n = calls.Add(1) {
				if _, err := callActive(t.Context(), r, mode, answers); err != nil {
					t.Error(err)
				}
				if n%(hammerCalls/hammerSwaps) == 0 {
					due <- struct{}{}
				}
			}
		})
	}
	for i := range hammerSwaps {
		<-due
		want := fmt.Sprintf("%d.0.0", 2-i%2)
		if _, err := r.Activate(t.Context(), "a", want, nil, false); err != nil {
			t.Errorf("swap %d: %v", i, err)
		}
		if got, err := callActive(t.Context(), r, pluginapi.ModeBlocking, answers); got != want || err != nil {
			t.Errorf("after swap %d to %s: %s, %v", i, want, got, err)
		}
	}
	callers.Wait()
	if n := loader.open.Load(); n != 1 {
		t.Errorf("%d modules are open", n)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := loader.open.Load(); n != 0 || loader.loads.Load() < 2 {
		t.Errorf("after the end %d of %d modules are open", n, loader.loads.Load())
	}
}
