package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

const kvPermission = "permissions: {kv: {max_bytes: 20, reason: counts}}\n"

// secrets is a host.Secrets.
type secrets map[string]string

func (s secrets) Secret(name string) (string, bool) {
	value, ok := s[name]
	return value, ok
}

func (s secrets) Names() []string {
	var names []string
	for name := range s {
		names = append(names, name)
	}
	return names
}

// sessionState is a host.SessionState in memory.
type sessionState struct{ state json.RawMessage }

func (s *sessionState) Get(context.Context) (json.RawMessage, error) { return s.state, nil }

func (s *sessionState) Merge(_ context.Context, patch json.RawMessage) (err error) {
	s.state, err = host.MergeState(s.state, patch)
	return err
}

// asking makes a module with these exports, and run, which does nothing.
func asking(t *testing.T, exports map[string]guesttest.Hook) []byte {
	t.Helper()
	exports["run"] = guesttest.Answers("")
	return guesttest.Module(t, exports)
}

// call calls an export that must succeed and returns its output.
func call(t *testing.T, r *plugin.Registry, p host.Plugin, export string, services host.Services) string {
	t.Helper()
	got, err := r.Call(t.Context(), host.Call{Digest: p.Digest, Export: export, Timeout: time.Minute, Services: services})
	if err != nil {
		t.Fatalf("call %s: %v", export, err)
	}
	return string(got.Output)
}

func wantReply(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("the guest was told %q, want %q", got, want)
	}
}

// Values belong to the plugin's name: versions share them, other plugins do not,
// and each version has its own quota.
func TestPluginsKeepValues(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	r := newRegistry(t, plugin.Config{Store: store})
	module := asking(t, map[string]guesttest.Hook{
		"get": guesttest.Asks("kv_get", "k"), "set": guesttest.Asks("kv_set", "k", "0123456789"),
		"more": guesttest.Asks("kv_set", "l", "0123456789"), "delete": guesttest.Asks("kv_delete", "k"),
	})
	a := activate(t, r, manifestOf("a", "1.0.0", kvPermission), module, pluginapi.PermissionKV)
	b := activate(t, r, manifestOf("b", "1.0.0", kvPermission), module, pluginapi.PermissionKV)
	none := host.Services{}
	wantReply(t, call(t, r, a, "set", none), "")
	wantReply(t, call(t, r, a, "get", none), "=0123456789")
	wantReply(t, call(t, r, b, "get", none), "")
	wantReply(t, call(t, r, a, "more", none), "!too_large: the plugin may keep 20 bytes in keys and values; this would make it 22")

	larger := activate(t, r, manifestOf("a", "1.1.0", "permissions: {kv: {reason: counts}}\n"), module, pluginapi.PermissionKV)
	wantReply(t, call(t, r, larger, "more", none), "")
	again := newRegistry(t, plugin.Config{Store: store})
	wantReply(t, call(t, again, larger, "get", none), "=0123456789")
	wantReply(t, call(t, again, larger, "delete", none), "")
	wantReply(t, call(t, r, a, "get", none), "")
}

// What was not granted is taken away, whatever the call brings.
func TestServicesNeedTheGrant(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	module := asking(t, map[string]guesttest.Hook{
		"kv": guesttest.Asks("kv_get", "k"), "get": guesttest.Asks("session_state_get"),
		"merge": guesttest.Asks("session_state_merge", `{"b":1}`),
	})
	const refused = "!not_granted: "
	brought := host.Services{SessionState: &sessionState{state: json.RawMessage(`{"a":1}`)}}
	for _, p := range []host.Plugin{
		activate(t, r, manifestOf("without", "1.0.0", ""), module),
		install(t, r, manifestOf("not-activated", "1.0.0", "permissions:\n  kv: {reason: x}\n  session_state: {access: write, reason: x}\n"), module),
	} {
		wantReply(t, call(t, r, p, "kv", brought), refused+"kv: the permission is not granted")
		wantReply(t, call(t, r, p, "get", brought), refused+"session_state: the permission is not granted")
		wantReply(t, call(t, r, p, "merge", brought), refused+"session_state: the permission is not granted")
	}
	reads := activate(t, r, manifestOf("reads", "1.0.0", "permissions: {session_state: {access: read, reason: x}}\n"),
		module, pluginapi.PermissionSessionState)
	wantReply(t, call(t, r, reads, "get", brought), `={"a":1}`)
	wantReply(t, call(t, r, reads, "merge", brought), refused+"session_state for writing: the permission is not granted")
	wantReply(t, call(t, r, reads, "get", host.Services{}), refused+"session_state: the permission is not granted")
	writes := activate(t, r, manifestOf("writes", "1.0.0", "permissions: {session_state: {access: write, reason: x}}\n"),
		module, pluginapi.PermissionSessionState)
	wantReply(t, call(t, r, writes, "merge", brought), "")
	wantReply(t, call(t, r, writes, "get", brought), `={"a":1,"b":1}`)
}

const secretPermissions = `permissions:
  http: {hosts_from: [url], reason: posts}
  secrets: [{name: TOKEN, reason: authenticates}, {name: WEBHOOK, reason: names the channel}]
`

func TestActivateNeedsSecrets(t *testing.T) {
	t.Parallel()
	grants := []pluginapi.Permission{pluginapi.PermissionHTTP, pluginapi.PermissionSecrets}
	for name, tc := range map[string]struct {
		has  host.Secrets
		want []string
	}{
		"none": {nil, []string{
			"permissions.secrets[0].name: the secret TOKEN is not configured: add it to the host's secrets",
			"permissions.secrets[1].name: the secret WEBHOOK is not configured: add it to the host's secrets",
		}},
		"some": {secrets{"TOKEN": "value"}, []string{
			"permissions.secrets[1].name: the secret WEBHOOK is not configured: add it to the host's secrets",
		}},
	} {
		r := newRegistry(t, plugin.Config{Store: newStore(t), Loader: &guests{}, Secrets: tc.has})
		install(t, r, manifestOf("a", "1.0.0", secretPermissions), fakeModule)
		_, err := r.Activate(t.Context(), "a", "1.0.0", grants, false)
		if diff := cmp.Diff(tc.want, refused(t, err, host.CodeConflict, "grant")); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", name, diff)
		}
		dir := t.TempDir()
		writePlugin(t, dir, "b", manifestOf("b", "1.0.0", secretPermissions), fakeModule)
		err = r.LoadDir(t.Context(), dir, map[string][]pluginapi.Permission{"b": grants})
		if err == nil || !strings.Contains(err.Error(), "WEBHOOK is not configured") {
			t.Errorf("%s: LoadDir: %v", name, err)
		}
		if diff := cmp.Diff([]string{"a 1.0.0"}, status(r)); diff != "" {
			t.Errorf("%s: plugins (-want +got):\n%s", name, diff)
		}
	}
}

// A plugin uses the secrets its manifest names and no others; a secret that was
// taken from the configuration is missed at the start already.
func TestPluginsUseSecrets(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.RequestURI)
	}))
	t.Cleanup(server.Close)
	module := asking(t, map[string]guesttest.Hook{
		"asked": guesttest.Requests(`{"url":"` + server.URL + `/secret:TOKEN"}`),
		"other": guesttest.Requests(`{"url":"` + server.URL + `/secret:OTHER"}`),
	})
	store := newStore(t)
	r := newRegistry(t, plugin.Config{Store: store, Secrets: secrets{"TOKEN": "first value", "WEBHOOK": "w", "OTHER": "x"}})
	p := activate(t, r, manifestOf("a", "1.0.0", secretPermissions), module, pluginapi.PermissionHTTP, pluginapi.PermissionSecrets)
	request := func(r *plugin.Registry, export string) (host.CallResult, error) {
		return r.Call(t.Context(), host.Call{
			Digest: p.Digest, Export: export, Timeout: time.Minute, Config: json.RawMessage(`{"url":"` + server.URL + `"}`),
		})
	}
	if got, err := request(r, "asked"); err != nil || string(got.Output) != "/[secret:TOKEN]" {
		t.Errorf("a secret it asks for: %s, %v", got.Output, err)
	}
	if _, err := request(r, "other"); err == nil || !strings.Contains(err.Error(), "the secret OTHER is not one the plugin may use") {
		t.Errorf("a secret it does not ask for: %v", err)
	}
	var log strings.Builder
	r = newRegistry(t, plugin.Config{
		Store: store, Secrets: secrets{"WEBHOOK": "w"}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if !strings.Contains(log.String(), "the secret TOKEN is not configured") {
		t.Errorf("the log says %q", log.String())
	}
	if _, err := request(r, "asked"); err == nil || !strings.Contains(err.Error(), "TOKEN") {
		t.Errorf("a secret that is gone: %v", err)
	}
}

// The services of a call that brings its own take the place of the plugin's.
func TestCallBringsServices(t *testing.T) {
	t.Parallel()
	var last runtime.Call
	g := &guests{call: func(_ context.Context, _ runtime.Source, call runtime.Call) (runtime.Result, error) {
		last = call
		return runtime.Result{}, nil
	}}
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g, Secrets: secrets{"TOKEN": "real", "WEBHOOK": "real"}})
	p := activate(t, r, manifestOf("a", "1.0.0", secretPermissions+"  kv: {reason: x}\n"), fakeModule,
		pluginapi.PermissionHTTP, pluginapi.PermissionSecrets, pluginapi.PermissionKV)
	broken := errors.New("not stubbed")
	call(t, r, p, "run", host.Services{KV: failingKV{broken}, Secrets: secrets{"TOKEN": "stub", "OTHER": "x"}, HTTP: noAnswers{}})
	if _, _, err := last.Services.KV.Get(t.Context(), "k"); !errors.Is(err, broken) {
		t.Errorf("the values are not those of the call: %v", err)
	}
	value, ok := last.Services.Secrets.Secret("TOKEN")
	if diff := cmp.Diff([]string{"TOKEN"}, last.Services.Secrets.Names()); value != "stub" || !ok || diff != "" {
		t.Errorf("the secrets are not those of the call: %q, names (-want +got):\n%s", value, diff)
	}
	if last.Services.HTTP == nil {
		t.Error("the stub is gone")
	}
}

// failingKV is a host.KV that fails.
type failingKV struct{ err error }

func (f failingKV) Get(context.Context, string) ([]byte, bool, error) { return nil, false, f.err }
func (f failingKV) Set(context.Context, string, []byte) error         { return f.err }
func (f failingKV) Delete(context.Context, string) error              { return f.err }

// noAnswers is a host.HTTPStub that stubs nothing.
type noAnswers struct{}

func (noAnswers) Answer(string, string) (int, []byte, bool) { return 0, nil, false }
