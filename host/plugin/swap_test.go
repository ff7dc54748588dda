package plugin_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

// swap activates two versions in turn while callers call whichever is active,
// and checks that each call was answered by the version it was made for.
func swap(t *testing.T, r *plugin.Registry, answers map[string]string, callers, swaps int) {
	t.Helper()
	if err := r.PutBindings(t.Context(), host.HostWide, bindingsOf("a")); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			mode := []pluginapi.Mode{pluginapi.ModeBlocking, pluginapi.ModeBackground}[i%2]
			for !stop.Load() {
				if _, err := callActive(t.Context(), r, mode, answers); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range swaps {
		if _, err := r.Activate(t.Context(), "a", fmt.Sprintf("%d.0.0", 1+i%2), nil, false); err != nil {
			t.Error(err)
			break
		}
	}
	stop.Store(true)
	wg.Wait()
}

// callActive calls the version that is active, and returns which it was.
func callActive(
	ctx context.Context, r *plugin.Registry, mode pluginapi.Mode, answers map[string]string,
) (version string, err error) {
	p := r.Resolve(greeter, "")[0].Plugin
	got, err := r.Call(ctx, host.Call{Digest: p.Digest, Export: "run", Mode: mode, Timeout: time.Minute})
	if err != nil {
		return p.Version, fmt.Errorf("call version %s: %w", p.Version, err)
	}
	if want := answers[p.Version]; string(got.Output) != want {
		return p.Version, fmt.Errorf("version %s answered %q, want %q", p.Version, got.Output, want)
	}
	return p.Version, nil
}

func TestSwapUnderLoad(t *testing.T) {
	t.Parallel()
	g := &guests{call: func(ctx context.Context, source runtime.Source, call runtime.Call) (runtime.Result, error) {
		return answersName(ctx, source, call)
	}}
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g, BlockingSlots: 4})
	install(t, r, manifestOf("a", "2.0.0", ""), fakeModule)
	activate(t, r, manifestOf("a", "1.0.0", ""), fakeModule)
	swap(t, r, map[string]string{"1.0.0": "a 1.0.0", "2.0.0": "a 2.0.0"}, 8, 2000)
	if _, open, misuse := g.counts(); open != 1 || misuse != 0 {
		t.Errorf("%d modules are open and %d were misused; want 1 and 0", open, misuse)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, open, misuse := g.counts(); open != 0 || misuse != 0 {
		t.Errorf("after the end %d modules are open and %d were misused", open, misuse)
	}
}

func bindingsOf(name string) []host.Binding { return []host.Binding{{Plugin: name}} }
