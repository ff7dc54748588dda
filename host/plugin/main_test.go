package plugin_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

func TestMain(m *testing.M) {
	// Guests send their requests through it, as in the real program.
	http.DefaultClient = runtime.NewHTTPClient()
	code := m.Run()
	if err := guesttest.RemoveCache(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// newRegistry returns a registry over a real store and a real runtime, where c
// names no other. It is closed with the test.
func newRegistry(t *testing.T, c plugin.Config) *plugin.Registry {
	t.Helper()
	if c.Store == nil {
		c.Store = newStore(t)
	}
	if c.Trials == nil {
		c.Trials = hook.Trials{}
	}
	if c.Loader == nil {
		c.Loader = newLoader(t)
	}
	r, err := plugin.NewRegistry(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func newStore(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "host.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newLoader(t *testing.T) plugin.Loader {
	t.Helper()
	rt, err := runtime.New(runtime.Config{CacheDir: guesttest.CacheDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return plugin.NewLoader(rt)
}

// manifestOf returns a manifest with one hook, run at input, and more lines.
func manifestOf(name, version, more string) []byte {
	return fmt.Appendf(nil, "manifest_version: 1\nname: %s\nversion: %s\nhooks:\n  - {point: input, export: run}\n%s",
		name, version, more)
}

const httpPermission = `permissions:
  http: {hosts: [hooks.example.com], hosts_from: [url], reason: posts the notification}
`

// install installs a plugin that must be good.
func install(t *testing.T, r *plugin.Registry, manifest, module []byte) host.Plugin {
	t.Helper()
	installed, err := r.Install(t.Context(), manifest, module)
	if err != nil {
		t.Fatal(err)
	}
	return installed.Plugin
}

// activate installs and activates a plugin.
func activate(t *testing.T, r *plugin.Registry, manifest, module []byte, grants ...pluginapi.Permission) host.Plugin {
	t.Helper()
	p := install(t, r, manifest, module)
	p, err := r.Activate(t.Context(), p.Name, p.Version, grants, false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answering makes a module whose export run answers a text.
func answering(t *testing.T, text string) []byte {
	t.Helper()
	return guesttest.Answer(t, map[string]string{"run": text})
}

const allow = `{"decision":"allow"}`
