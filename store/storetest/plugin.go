package storetest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func pluginTests() []test {
	return []test{
		{"installed", installed},
		{"installed at once", installedAtOnce},
		{"unknown", unknownPlugin},
		{"activated", activated},
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
	must(t, s.ActivatePlugin(t.Context(), "a", "1.0.0", nil))
	wantCode(t, s.ActivatePlugin(t.Context(), "a", "2.0.0", nil), host.CodeNotFound)
	wantCode(t, s.ActivatePlugin(t.Context(), "b", "1.0.0", nil), host.CodeNotFound)
	if !get(s.Plugins(t.Context()))(t)[0].Active {
		t.Error("an activation that failed took the active version away")
	}
}

func activated(t *testing.T, s host.Store) {
	v1, v2, other := newPlugin("a", "1.0.0", "sha256:1"), newPlugin("a", "2.0.0", "sha256:2"), newPlugin("b", "1.0.0", "sha256:b")
	for _, plugin := range []host.Plugin{v1, v2, other} {
		install(t, s, plugin, plugin.Digest)
	}
	must(t, s.ActivatePlugin(t.Context(), "b", "1.0.0", nil))
	must(t, s.ActivatePlugin(t.Context(), "a", "1.0.0", []pluginapi.Permission{pluginapi.PermissionHTTP}))
	must(t, s.ActivatePlugin(t.Context(), "a", "2.0.0", []pluginapi.Permission{}))

	v1.Grants = []pluginapi.Permission{pluginapi.PermissionHTTP}
	v2.Active, v2.Grants = true, []pluginapi.Permission{}
	other.Active, other.Grants = true, []pluginapi.Permission{}
	wantEqual(t, []host.Plugin{v1, v2, other}, get(s.Plugins(t.Context()))(t))

	must(t, s.ActivatePlugin(t.Context(), "a", "1.0.0", nil))
	v1.Active, v1.Grants, v2.Active = true, []pluginapi.Permission{}, false
	wantEqual(t, []host.Plugin{v1, v2, other}, get(s.Plugins(t.Context()))(t))
}
