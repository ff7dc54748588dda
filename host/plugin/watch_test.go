package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// watch has a registry follow its store until the returned function is called.
func watch(t *testing.T, r *plugin.Registry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Watch(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// nodes are two registries on one store; the second one watches.
func nodes(t *testing.T, store *memory, g *guests) (here, there *plugin.Registry, stop func()) {
	t.Helper()
	here = newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
	there = newRegistry(t, plugin.Config{Store: store, Loader: g})
	return here, there, watch(t, there)
}

// within waits less than a second, after which a change is in force everywhere.
func within(t *testing.T) {
	t.Helper()
	<-time.After(time.Second - time.Nanosecond)
	synctest.Wait()
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &guests{call: answersName}
		here, there, stop := nodes(t, &memory{}, g)
		defer stop()
		old := activate(t, here, manifestOf("a", "1.0.0", httpPermission), fakeModule, pluginapi.PermissionHTTP)
		if err := here.PutBindings(t.Context(), host.HostWide, bindingsOf("a")); err != nil {
			t.Fatal(err)
		}
		within(t)
		bound := there.Resolve(greeter, "")
		if len(bound) != 1 || bound[0].Plugin == nil || bound[0].Plugin.Digest != old.Digest ||
			!bound[0].Plugin.Granted(pluginapi.PermissionHTTP) {
			t.Errorf("bound %+v", bound)
		}
		if got, err := there.Call(t.Context(), host.Call{Digest: old.Digest}); err != nil || string(got.Output) != "a 1.0.0" {
			t.Errorf("call: %s, %v", got.Output, err)
		}

		activate(t, here, manifestOf("a", "2.0.0", ""), fakeModule)
		within(t)
		wantMeaning(t, there, "2.0.0")
		if _, err := here.Deactivate(t.Context(), "a", "2.0.0", true); err != nil {
			t.Fatal(err)
		}
		within(t)
		wantMeaning(t, there, "2.0.0 inactive")
		if err := here.Delete(t.Context(), "a", "1.0.0", true); err != nil {
			t.Fatal(err)
		}
		within(t)
		if diff := cmp.Diff([]string{"a 2.0.0"}, status(there)); diff != "" {
			t.Errorf("plugins (-want +got):\n%s", diff)
		}
		_, err := there.Call(t.Context(), host.Call{Digest: old.Digest})
		wantCallError(t, err, host.CallUnavailable)
		if _, open, misuse := g.counts(); open != 0 || misuse != 0 {
			t.Errorf("%d modules are open and %d were misused", open, misuse)
		}
	})
}

// A signal is heard at once; what did not change is not read again.
func TestWatchSignalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		here, there, stop := nodes(t, store, &guests{call: answersName})
		defer stop()
		activate(t, here, manifestOf("a", "1.0.0", ""), fakeModule)
		there.Receive(host.Signal{Kind: host.SignalWork})
		synctest.Wait()
		if got := status(there); len(got) != 0 {
			t.Errorf("another signal: plugins are %v", got)
		}
		for range 3 {
			there.Receive(host.Signal{Kind: host.SignalPlugins})
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"a 1.0.0 active"}, status(there)); diff != "" {
			t.Errorf("plugins (-want +got):\n%s", diff)
		}
	})
}

// A store that is away is complained of once, and looked at until it is back.
func TestWatchFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := &memory{}
		here := newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
		there := newRegistry(t, plugin.Config{
			Store: store, Loader: &guests{call: answersName}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		defer watch(t, there)()
		activate(t, here, manifestOf("a", "1.0.0", ""), fakeModule)
		for _, err := range []error{errors.New("away"), nil, errors.New("away again"), nil} {
			store.fail(err)
			<-time.After(10 * plugin.DefaultPoll)
			synctest.Wait()
		}
		if diff := cmp.Diff([]string{"a 1.0.0 active"}, status(there)); diff != "" {
			t.Errorf("plugins (-want +got):\n%s", diff)
		}
		if n := strings.Count(log.String(), "look for changes of plugins"); n != 2 {
			t.Errorf("logged %d times:\n%s", n, &log)
		}
	})
}

// fail has Revision fail, or work again.
func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.revisionErr = err
}

// What one node changes another acts on, be it before it looked.
func TestChangeAfterAnotherNode(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	here := newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
	there := newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
	install(t, here, manifestOf("a", "1.0.0", ""), fakeModule)
	if _, err := there.Activate(t.Context(), "a", "1.0.0", nil, false); err != nil {
		t.Errorf("activate: %v", err)
	}
	if err := here.PutBindings(t.Context(), host.HostWide, bindingsOf("a")); err != nil {
		t.Errorf("bind: %v", err)
	}
	_, err := there.Deactivate(t.Context(), "a", "1.0.0", false)
	want := []string{"hooks[0]: bound over the API"}
	if diff := cmp.Diff(want, refused(t, err, host.CodeConflict, "")); diff != "" {
		t.Errorf("deactivate (-want +got):\n%s", diff)
	}
	if err := there.Delete(t.Context(), "a", "1.0.0", true); err != nil {
		t.Errorf("delete: %v", err)
	}
	_, err = here.Activate(t.Context(), "a", "1.0.0", nil, false)
	refused(t, err, host.CodeNotFound, "")
}

// Calls that are made while another node swaps versions are answered by the
// version they were made for.
func TestSwapOnAnotherNode(t *testing.T) {
	t.Parallel()
	g := &guests{call: answersName}
	store := newStore(t)
	here := newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
	install(t, here, manifestOf("a", "2.0.0", ""), fakeModule)
	activate(t, here, manifestOf("a", "1.0.0", ""), fakeModule)
	if err := here.PutBindings(t.Context(), host.HostWide, bindingsOf("a")); err != nil {
		t.Fatal(err)
	}
	there := newRegistry(t, plugin.Config{Store: store, Loader: g, BlockingSlots: 4})
	stop := watch(t, there)
	answers := map[string]string{"1.0.0": "a 1.0.0", "2.0.0": "a 2.0.0"}
	ctx, enough := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for ctx.Err() == nil {
				if _, err := callActive(t.Context(), there, pluginapi.ModeBlocking, answers); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 100 {
		if _, err := here.Activate(t.Context(), "a", fmt.Sprintf("%d.0.0", 2-i%2), nil, false); err != nil {
			t.Fatal(err)
		}
		there.Receive(host.Signal{Kind: host.SignalPlugins})
	}
	enough()
	calls.Wait()
	stop()
	if _, open, misuse := g.counts(); open != 1 || misuse != 0 {
		t.Errorf("%d modules are open and %d were misused; want 1 and 0", open, misuse)
	}
}
