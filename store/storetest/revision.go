package storetest

import (
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func revisionTests() []test {
	return []test{{"grows with every change", grownRevision}}
}

func grownRevision(t *testing.T, s host.Store) {
	last := get(s.Revision(t.Context()))(t)
	for _, change := range []struct {
		name string
		make func() error
	}{
		{"install", func() error {
			_, err := s.InstallPlugin(t.Context(), newPlugin("a", "1.0.0", "sha256:a"), []byte("a"))
			return err
		}},
		{"activate", func() error { return s.ActivatePlugin(t.Context(), "a", "1.0.0", nil, at(2)) }},
		{"grant", func() error {
			return s.ActivatePlugin(t.Context(), "a", "1.0.0", []pluginapi.Permission{pluginapi.PermissionHTTP}, at(3))
		}},
		{"bind", func() error {
			return s.PutBindings(t.Context(), host.HostWide, []host.Binding{{Plugin: "a"}})
		}},
		{"unbind", func() error { return s.PutBindings(t.Context(), host.HostWide, nil) }},
		{"deactivate", func() error { return s.DeactivatePlugin(t.Context(), "a", "1.0.0") }},
		{"delete", func() error { return s.DeletePlugin(t.Context(), "a", "1.0.0") }},
	} {
		must(t, change.make())
		now := get(s.Revision(t.Context()))(t)
		if now <= last {
			t.Errorf("%s: revision %d after %d", change.name, now, last)
		}
		last = now
	}
	finish(t, s, newRun("run", "session"), newCall("call", "run"))
	wantEqual(t, last, get(s.Revision(t.Context()))(t))
}
