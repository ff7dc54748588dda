package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

func TestActivate(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	r := newRegistry(t, plugin.Config{Store: store})
	plain := activate(t, r, manifestOf("a", "1.0.0", ""), answering(t, "1"))
	if !plain.Active || plain.Grants == nil || len(plain.Grants) > 0 {
		t.Errorf("activated without permissions: %+v", plain)
	}
	asking := activate(t, r, manifestOf("a", "1.1.0", httpPermission), answering(t, "1"), pluginapi.PermissionHTTP)
	if diff := cmp.Diff([]pluginapi.Permission{pluginapi.PermissionHTTP}, asking.Grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a 1.0.0", "a 1.1.0 active"}, status(r)); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	if _, err := r.Activate(t.Context(), "a", "1.0.0", nil, false); err != nil {
		t.Errorf("activate an earlier version: %v", err)
	}
	if diff := cmp.Diff(status(r), status(newRegistry(t, plugin.Config{Store: store}))); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
}

func TestActivateRefuses(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	install(t, r, manifestOf("a", "1.0.0", httpPermission), answering(t, "1"))
	for _, tc := range []struct {
		name, plugin, version string
		grants                []pluginapi.Permission
		code                  host.Code
		field                 string
		want                  []string
	}{
		{"missing grant", "a", "1.0.0", nil, host.CodeConflict, "grant", []string{"permissions.http: posts the notification"}},
		{
			"grant not asked for", "a", "1.0.0", []pluginapi.Permission{"http", "kv"},
			host.CodeInvalid, "grant", nil,
		},
		{"unknown plugin", "b", "1.0.0", nil, host.CodeNotFound, "", nil},
		{"unknown version", "a", "2.0.0", nil, host.CodeNotFound, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.Activate(t.Context(), tc.plugin, tc.version, tc.grants, false)
			if diff := cmp.Diff(tc.want, refused(t, err, tc.code, tc.field)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if got := status(r); got[0] != "a 1.0.0" {
				t.Errorf("plugins are %v", got)
			}
		})
	}
}

// twoHooks is a manifest with the hooks run and other.
func twoHooks(version string) []byte {
	return fmt.Appendf(nil, "manifest_version: 1\nname: a\nversion: %s\nhooks:\n  - {point: input, export: run}\n"+
		"  - {point: output, export: other}\n", version)
}

// A version without a hook that is bound takes no place of one that has it.
func TestActivateWithoutABoundHook(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{
		Store: &memory{}, Loader: &guests{call: answersName},
		ConfigBindings: map[host.BindingScope][]host.Binding{
			host.HostWide: {{Plugin: "a"}, {Plugin: "b", Hook: "other"}, {Plugin: "a", Hook: "other"}},
		},
	})
	activate(t, r, twoHooks("1.0.0"), fakeModule)
	bindings := []host.Binding{{Plugin: "a", Hook: "run"}, {Plugin: "a", Hook: "other"}}
	if err := r.PutBindings(t.Context(), greeter.Scope(), bindings); err != nil {
		t.Fatal(err)
	}
	install(t, r, manifestOf("a", "2.0.0", ""), fakeModule)
	_, err := r.Activate(t.Context(), "a", "2.0.0", nil, false)
	want := []string{
		"hooks[2]: the hook other, bound in the configuration",
		`agents["greeter"].hooks[1]: the hook other, bound over the API`,
	}
	if diff := cmp.Diff(want, refused(t, err, host.CodeConflict, "")); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	wantMeaning(t, r, "1.0.0")
	if _, err := r.Activate(t.Context(), "a", "2.0.0", nil, true); err != nil {
		t.Errorf("by force: %v", err)
	}
	wantMeaning(t, r, "2.0.0")
	if _, err := r.Activate(t.Context(), "a", "2.0.0", nil, false); err != nil {
		t.Errorf("what is active already: %v", err)
	}
}

// A version that the bindings do not fit takes no place of one that they fit: with
// the one of the configuration the host would not start again.
func TestActivateDespiteBindingsThatDoNotFit(t *testing.T) {
	t.Parallel()
	const property = "config_schema: {type: object, required: [%s], properties: {%[1]s: {}}, additionalProperties: false}\n"
	r := newRegistry(t, plugin.Config{
		Store: &memory{}, Loader: &guests{call: answersName},
		ConfigBindings: map[host.BindingScope][]host.Binding{
			host.HostWide: {{Plugin: "a", Config: json.RawMessage(`{"most": 5}`)}},
		},
	})
	activate(t, r, manifestOf("a", "1.0.0", fmt.Sprintf(property, "most")), fakeModule)
	bindings := []host.Binding{{Plugin: "a", Hook: "run", Config: json.RawMessage(`{"most": 7}`)}}
	if err := r.PutBindings(t.Context(), greeter.Scope(), bindings); err != nil {
		t.Fatal(err)
	}
	install(t, r, manifestOf("a", "2.0.0", fmt.Sprintf(property, "limit")), fakeModule)
	_, err := r.Activate(t.Context(), "a", "2.0.0", nil, false)
	want := []string{
		"hooks[0].config: missing property 'limit'",
		"hooks[0].config.most: is not a property of the schema",
		`agents["greeter"].hooks[0].config: missing property 'limit'`,
		`agents["greeter"].hooks[0].config.most: is not a property of the schema`,
	}
	if diff := cmp.Diff(want, refused(t, err, host.CodeConflict, "")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	wantMeaning(t, r, "1.0.0")
	if _, err := r.Activate(t.Context(), "a", "2.0.0", nil, true); err != nil {
		t.Errorf("by force: %v", err)
	}
	wantMeaning(t, r, "2.0.0")
}

// A version that cannot run replaces none that does.
func TestActivateKeepsTheOldVersion(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	store := &memory{}
	g := &guests{call: answersName, loadErr: map[string]error{"a 2.0.0": broken}}
	r := newRegistry(t, plugin.Config{Store: store, Loader: g})
	old := activate(t, r, manifestOf("a", "1.0.0", ""), fakeModule)
	install(t, r, manifestOf("a", "2.0.0", ""), fakeModule)
	install(t, r, manifestOf("a", "3.0.0", ""), fakeModule)
	if _, err := r.Activate(t.Context(), "a", "2.0.0", nil, false); !errors.Is(err, broken) {
		t.Errorf("activate what cannot be loaded: %v", err)
	}
	store.activateErr = errors.New("disk full")
	if _, err := r.Activate(t.Context(), "a", "3.0.0", nil, false); !errors.Is(err, store.activateErr) {
		t.Errorf("activate what cannot be stored: %v", err)
	}
	if diff := cmp.Diff([]string{"a 1.0.0 active", "a 2.0.0", "a 3.0.0"}, status(r)); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	if got, err := r.Call(t.Context(), host.Call{Digest: old.Digest}); err != nil || string(got.Output) != "a 1.0.0" {
		t.Errorf("call: %s, %v", got.Output, err)
	}
	if _, open, _ := g.counts(); open != 1 {
		t.Errorf("%d modules are open, want 1", open)
	}
}

// A plugin that cannot be loaded any more stops nothing else.
func TestSyncGoesOnWithoutAPlugin(t *testing.T) {
	t.Parallel()
	store := &memory{}
	before := newRegistry(t, plugin.Config{Store: store, Loader: &guests{call: answersName}})
	lost := activate(t, before, manifestOf("a", "1.0.0", ""), fakeModule)
	good := activate(t, before, manifestOf("b", "1.0.0", ""), fakeModule)
	g := &guests{call: answersName, loadErr: map[string]error{"a 1.0.0": errors.New("gone")}}
	r := newRegistry(t, plugin.Config{Store: store, Loader: g})
	if _, err := r.Call(t.Context(), host.Call{Digest: good.Digest}); err != nil {
		t.Errorf("call a good plugin: %v", err)
	}
	_, err := r.Call(t.Context(), host.Call{Digest: lost.Digest})
	wantCallError(t, err, host.CallUnavailable)
}

// answersName answers the name and version of the plugin.
func answersName(_ context.Context, source runtime.Source, _ runtime.Call) (runtime.Result, error) {
	return runtime.Result{Output: []byte(source.Name)}, nil
}

func wantCallError(t *testing.T, err error, code host.CallErrorCode) {
	t.Helper()
	var e *host.CallError
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error is %v, want %s", err, code)
	}
}
