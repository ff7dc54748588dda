package plugin_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
)

// boundEverywhere is a registry whose plugin a, active in 2.0.0, is bound in the
// configuration and over the API.
func boundEverywhere(t *testing.T, store plugin.Store) *plugin.Registry {
	t.Helper()
	r := newRegistry(t, plugin.Config{
		Store: store, Loader: &guests{call: answersName},
		ConfigBindings: map[host.BindingScope][]host.Binding{
			host.HostWide:   {{Plugin: "b"}, {Plugin: "a", Hook: "run"}},
			greeter.Scope(): {{Plugin: "b"}},
		},
	})
	activate(t, r, manifestOf("b", "1.0.0", ""), fakeModule)
	activate(t, r, manifestOf("a", "1.0.0", ""), fakeModule)
	activate(t, r, manifestOf("a", "2.0.0", ""), fakeModule)
	if err := r.PutBindings(t.Context(), greeter.Scope(), []host.Binding{{Plugin: "b"}, {Plugin: "a"}}); err != nil {
		t.Fatal(err)
	}
	return r
}

var boundPlaces = []string{
	"hooks[1]: bound in the configuration",
	`agents["greeter"].hooks[2]: bound over the API`,
}

func TestDeactivate(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	r := boundEverywhere(t, store)
	_, err := r.Deactivate(t.Context(), "a", "2.0.0", false)
	if diff := cmp.Diff(boundPlaces, refused(t, err, host.CodeConflict, "")); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	if p, err := r.Deactivate(t.Context(), "a", "1.0.0", false); err != nil || p.Active {
		t.Errorf("deactivate what is not active: %+v, %v", p, err)
	}
	if diff := cmp.Diff([]string{"a 1.0.0", "a 2.0.0 active", "b 1.0.0 active"}, status(r)); diff != "" {
		t.Errorf("nothing was forced (-want +got):\n%s", diff)
	}

	p, err := r.Deactivate(t.Context(), "a", "2.0.0", true)
	if err != nil || p.Active || p.Grants == nil {
		t.Errorf("forced: %+v, %v", p, err)
	}
	restarted := newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
	for _, r := range []*plugin.Registry{r, restarted} {
		if diff := cmp.Diff([]string{"a 1.0.0", "a 2.0.0", "b 1.0.0 active"}, status(r)); diff != "" {
			t.Errorf("forced (-want +got):\n%s", diff)
		}
		wantMeaning(t, r, "2.0.0 inactive")
	}
	if _, err := r.Activate(t.Context(), "a", "1.0.0", nil, false); err != nil {
		t.Errorf("activate an older version: %v", err)
	}
	wantMeaning(t, r, "1.0.0")
}

// wantMeaning checks which version the bindings of the plugin a mean.
func wantMeaning(t *testing.T, r *plugin.Registry, want string) {
	t.Helper()
	for _, b := range r.Resolve(greeter, "") {
		if b.Binding.Plugin != "a" {
			continue
		}
		got := "unknown"
		if b.Plugin != nil {
			got = b.Plugin.Version
		}
		if b.Inactive {
			got += " inactive"
		}
		if got != want {
			t.Errorf("the binding %+v means %s, want %s", b.Binding, got, want)
		}
	}
}

func TestDeactivateUnbound(t *testing.T) {
	t.Parallel()
	g := &guests{call: answersName}
	r := newRegistry(t, plugin.Config{Loader: g})
	activate(t, r, manifestOf("a", "1.0.0", ""), fakeModule)
	if _, err := r.Deactivate(t.Context(), "a", "1.0.0", false); err != nil {
		t.Fatal(err)
	}
	if _, open, _ := g.counts(); open != 0 || g.discarded != nil {
		t.Errorf("%d modules are open, discarded %v", open, g.discarded)
	}
	if err := r.Delete(t.Context(), "a", "1.0.0", false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a 1.0.0"}, g.discarded); diff != "" {
		t.Errorf("discarded (-want +got):\n%s", diff)
	}
	for _, of := range [][2]string{{"a", "2.0.0"}, {"c", "1.0.0"}} {
		if _, err := r.Deactivate(t.Context(), of[0], of[1], true); host.CodeOf(err) != host.CodeNotFound {
			t.Errorf("deactivate %v: %v", of, err)
		}
		if err := r.Delete(t.Context(), of[0], of[1], true); host.CodeOf(err) != host.CodeNotFound {
			t.Errorf("delete %v: %v", of, err)
		}
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	r := boundEverywhere(t, newStore(t))
	// Bindings mean the active version, so another one is free.
	if err := r.Delete(t.Context(), "a", "1.0.0", false); err != nil {
		t.Errorf("delete what is not active: %v", err)
	}
	before, err := r.Plugin("a", "2.0.0")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // active, and then inactive
		err := r.Delete(t.Context(), "a", "2.0.0", false)
		if diff := cmp.Diff(boundPlaces, refused(t, err, host.CodeConflict, "")); diff != "" {
			t.Errorf("bindings (-want +got):\n%s", diff)
		}
		if _, err := r.Deactivate(t.Context(), "a", "2.0.0", true); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Delete(t.Context(), "a", "2.0.0", true); err != nil {
		t.Errorf("forced: %v", err)
	}
	wantMeaning(t, r, "unknown")
	if _, err := r.Versions("a"); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("the plugin is still known: %v", err)
	}
	_, err = r.Call(t.Context(), host.Call{Digest: before.Digest, Export: "run"})
	wantCallError(t, err, host.CallUnavailable)

	again := activate(t, r, manifestOf("a", "2.0.0", ""), fakeModule)
	if again.Digest != before.Digest {
		t.Errorf("uploaded again it is %s, was %s", again.Digest, before.Digest)
	}
	wantMeaning(t, r, "2.0.0")
	if _, err := r.Call(t.Context(), host.Call{Digest: again.Digest, Export: "run"}); err != nil {
		t.Errorf("call of what was uploaded again: %v", err)
	}
}

// A version that vanishes is not replaced by one that was active before it: that
// one may lack its guardrails.
func TestDeleteActive(t *testing.T) {
	t.Parallel()
	r := boundEverywhere(t, newStore(t))
	if err := r.Delete(t.Context(), "a", "2.0.0", true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a 1.0.0", "b 1.0.0 active"}, status(r)); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	wantMeaning(t, r, "unknown")

	free := newRegistry(t, plugin.Config{Loader: &guests{call: answersName}})
	activate(t, free, manifestOf("a", "1.0.0", ""), fakeModule)
	if err := free.Delete(t.Context(), "a", "1.0.0", false); host.CodeOf(err) != host.CodeConflict {
		t.Errorf("delete what is active: %v", err)
	}
}

// What cannot be stored changes nothing.
func TestRemoveKeepsWhatIsStored(t *testing.T) {
	t.Parallel()
	store := &memory{}
	r := newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
	activate(t, r, manifestOf("a", "1.0.0", ""), fakeModule)
	store.removeErr = errors.New("disk full")
	if _, err := r.Deactivate(t.Context(), "a", "1.0.0", false); !errors.Is(err, store.removeErr) {
		t.Errorf("deactivate: %v", err)
	}
	if err := r.Delete(t.Context(), "a", "1.0.0", true); !errors.Is(err, store.removeErr) {
		t.Errorf("delete: %v", err)
	}
	if diff := cmp.Diff([]string{"a 1.0.0 active"}, status(r)); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
}
