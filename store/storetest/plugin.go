package storetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func pluginTests() []test {
	return []test{
		{"installed", installed},
		{"installed at once", installedAtOnce},
		{"unknown", unknownPlugin},
		{"activated", activated},
		{"deactivated", deactivated},
		{"deleted", deleted},
		{"deleted with open calls", deletedWithOpenCalls},
	}
}

func newPlugin(name, version, digest string) host.Plugin {
	return host.Plugin{
		Name:       name,
		Version:    version,
		Digest:     digest,
		Manifest:   pluginapi.Manifest{ManifestVersion: 1, Name: name, Version: version, ABI: pluginapi.ABIExtism},
		ModuleSize: 4,
		CreatedAt:  at(1),
		Tests:      host.TestsPassed,
	}
}

func install(t *testing.T, s host.Store, plugin host.Plugin, module string) {
	t.Helper()
	if !get(s.InstallPlugin(t.Context(), plugin, []byte(module)))(t) {
		t.Errorf("plugin %s %s was there already", plugin.Name, plugin.Version)
	}
}

func installed(t *testing.T, s host.Store) {
	b2, a, b1 := newPlugin("b", "2.0.0", "sha256:b2"), newPlugin("a", "1.0.0", "sha256:a"), newPlugin("b", "1.0.0", "sha256:b1")
	install(t, s, b2, "b2\x00\xff")
	install(t, s, a, "a")
	install(t, s, b1, "b1")
	if get(s.InstallPlugin(t.Context(), a, []byte("a")))(t) {
		t.Error("the same digest was created again")
	}
	_, err := s.InstallPlugin(t.Context(), newPlugin("a", "1.0.0", "sha256:x"), []byte("x"))
	wantCode(t, err, host.CodeConflict)
	wantEqual(t, []host.Plugin{a, b2, b1}, get(s.Plugins(t.Context()))(t))
	wantEqual(t, []byte("b2\x00\xff"), get(s.PluginModule(t.Context(), "sha256:b2"))(t))
	_, err = s.PluginModule(t.Context(), "sha256:x")
	wantCode(t, err, host.CodeNotFound)
}

func installedAtOnce(t *testing.T, s host.Store) {
	var created atomic.Int32
	inParallel(t.Context(), t, 8, func(ctx context.Context, _ int) error {
		first, err := s.InstallPlugin(ctx, newPlugin("a", "1.0.0", "sha256:a"), []byte("a"))
		if first {
			created.Add(1)
		}
		return err
	})
	if n := created.Load(); n != 1 {
		t.Errorf("created %d times", n)
	}
}

func unknownPlugin(t *testing.T, s host.Store) {
	install(t, s, newPlugin("a", "1.0.0", "sha256:a"), "a")
	must(t, s.ActivatePlugin(t.Context(), "a", "1.0.0", nil, at(2)))
	wantCode(t, s.ActivatePlugin(t.Context(), "a", "2.0.0", nil, at(2)), host.CodeNotFound)
	wantCode(t, s.ActivatePlugin(t.Context(), "b", "1.0.0", nil, at(2)), host.CodeNotFound)
	wantCode(t, s.DeactivatePlugin(t.Context(), "a", "2.0.0"), host.CodeNotFound)
	wantCode(t, s.DeletePlugin(t.Context(), "a", "2.0.0"), host.CodeNotFound)
	if !get(s.Plugins(t.Context()))(t)[0].Active {
		t.Error("an activation that failed took the active version away")
	}
}

func activated(t *testing.T, s host.Store) {
	v1, v2, other := newPlugin("a", "1.0.0", "sha256:1"), newPlugin("a", "2.0.0", "sha256:2"), newPlugin("b", "1.0.0", "sha256:b")
	for _, plugin := range []host.Plugin{v1, v2, other} {
		install(t, s, plugin, plugin.Digest)
	}
	must(t, s.ActivatePlugin(t.Context(), "b", "1.0.0", nil, at(2)))
	must(t, s.ActivatePlugin(t.Context(), "a", "1.0.0", []pluginapi.Permission{pluginapi.PermissionHTTP}, at(3)))
	must(t, s.ActivatePlugin(t.Context(), "a", "2.0.0", []pluginapi.Permission{}, at(4)))

	v1.Grants = []pluginapi.Permission{pluginapi.PermissionHTTP}
	v2.Active, v2.Grants, v2.ActivatedAt = true, []pluginapi.Permission{}, at(4)
	other.Active, other.Grants, other.ActivatedAt = true, []pluginapi.Permission{}, at(2)
	wantEqual(t, []host.Plugin{v1, v2, other}, get(s.Plugins(t.Context()))(t))

	must(t, s.ActivatePlugin(t.Context(), "a", "1.0.0", nil, at(5)))
	v1.Active, v1.Grants, v1.ActivatedAt = true, []pluginapi.Permission{}, at(5)
	v2.Active, v2.ActivatedAt = false, time.Time{}
	wantEqual(t, []host.Plugin{v1, v2, other}, get(s.Plugins(t.Context()))(t))
}

func deactivated(t *testing.T, s host.Store) {
	v1, v2 := newPlugin("a", "1.0.0", "sha256:1"), newPlugin("a", "2.0.0", "sha256:2")
	install(t, s, v1, "1")
	install(t, s, v2, "2")
	must(t, s.ActivatePlugin(t.Context(), "a", "2.0.0", nil, at(2)))
	v2.Active, v2.Grants, v2.ActivatedAt = true, []pluginapi.Permission{}, at(2)
	must(t, s.DeactivatePlugin(t.Context(), "a", "1.0.0"))
	wantEqual(t, []host.Plugin{v1, v2}, get(s.Plugins(t.Context()))(t))
	v2.Active = false
	for range 2 {
		must(t, s.DeactivatePlugin(t.Context(), "a", "2.0.0"))
		wantEqual(t, []host.Plugin{v1, v2}, get(s.Plugins(t.Context()))(t))
	}
}

// What a plugin keeps goes with its last version; the same version can be
// installed again.
func deleted(t *testing.T, s host.Store) {
	v1, v2 := newPlugin("a", "1.0.0", "sha256:1"), newPlugin("a", "2.0.0", "sha256:2")
	install(t, s, v1, "1")
	install(t, s, v2, "2")
	must(t, s.ActivatePlugin(t.Context(), "a", "1.0.0", nil, at(2)))
	must(t, s.SetKVValue(t.Context(), "a", "key", []byte("value"), host.KVQuota{Bytes: 100, Keys: 1}))
	must(t, s.SetKVValue(t.Context(), "b", "key", []byte("value"), host.KVQuota{Bytes: 100, Keys: 1}))

	must(t, s.DeletePlugin(t.Context(), "a", "1.0.0"))
	wantEqual(t, []host.Plugin{v2}, get(s.Plugins(t.Context()))(t))
	_, err := s.PluginModule(t.Context(), "sha256:1")
	wantCode(t, err, host.CodeNotFound)
	wantKept(t, s, "a", true)

	must(t, s.DeletePlugin(t.Context(), "a", "2.0.0"))
	wantKept(t, s, "a", false)
	wantKept(t, s, "b", true)
	install(t, s, v1, "1 again")
	wantEqual(t, []host.Plugin{v1}, get(s.Plugins(t.Context()))(t))
	wantEqual(t, []byte("1 again"), get(s.PluginModule(t.Context(), "sha256:1"))(t))
}

func wantKept(t *testing.T, s host.Store, plugin string, want bool) {
	t.Helper()
	if _, found, err := s.KVValue(t.Context(), plugin, "key"); err != nil || found != want {
		t.Errorf("the plugin %s has its value: %t, %v; want %t", plugin, found, err, want)
	}
}

func deletedWithOpenCalls(t *testing.T, s host.Store) {
	p := newPlugin("notifier", "1.0.0", newCall("", "").Digest)
	install(t, s, p, "1")
	call, other := newCall("call", "run"), newCall("other", "run")
	other.Digest = "sha256:another"
	finish(t, s, newRun("run", "session"), call, other)
	for _, status := range []host.HookCallStatus{host.HookCallQueued, host.HookCallRunning} {
		wantCode(t, s.DeletePlugin(t.Context(), p.Name, p.Version), host.CodeConflict)
		wantEqual(t, []host.Plugin{p}, get(s.Plugins(t.Context()))(t))
		wantEqual(t, []byte("1"), get(s.PluginModule(t.Context(), p.Digest))(t))
		if status == host.HookCallQueued {
			must(t, s.StartHookCall(t.Context(), call.ID, call.Attempt, at(3)))
			flush(t, s)
		}
	}
	call.Status = host.HookCallDead
	must(t, s.FinishHookCall(t.Context(), call.Attempt, call))
	must(t, s.DeletePlugin(t.Context(), p.Name, p.Version))
	wantEqual(t, 0, len(get(s.Plugins(t.Context()))(t)))
}
