package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

var _ plugin.Store = (*memory)(nil)

// memory is a store for tests that cannot wait for a real one: those with a
// clock of their own, and those that need it to fail.
type memory struct {
	mu       sync.Mutex
	revision int64
	plugins  []host.Plugin
	modules  map[string][]byte
	bindings map[host.BindingScope][]host.Binding
	// revisionErr fails Revision; looks counts its calls.
	revisionErr error
	looks       int
	// activateErr fails ActivatePlugin, removeErr what takes a plugin away.
	activateErr error
	removeErr   error
}

func (m *memory) Revision(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	return m.revision, m.revisionErr
}

func (m *memory) InstallPlugin(_ context.Context, p host.Plugin, module []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.modules[p.Digest] != nil {
		return false, nil
	}
	if m.modules == nil {
		m.modules = map[string][]byte{}
	}
	m.revision++
	m.modules[p.Digest] = bytes.Clone(module)
	m.plugins = append(m.plugins, p)
	return true, nil
}

func (m *memory) Plugins(context.Context) ([]host.Plugin, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.plugins), nil
}

func (m *memory) PluginModule(_ context.Context, digest string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.modules[digest], nil
}

func (m *memory) ActivatePlugin(
	_ context.Context, name, version string, grants []pluginapi.Permission, at time.Time,
) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.activateErr != nil {
		return m.activateErr
	}
	m.revision++
	for i := range m.plugins {
		p := &m.plugins[i]
		if p.Name != name {
			continue
		}
		p.Active, p.ActivatedAt = p.Version == version, time.Time{}
		if p.Active {
			p.Grants, p.ActivatedAt = grants, at
		}
	}
	return nil
}

func (m *memory) DeactivatePlugin(_ context.Context, name, version string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.removeErr != nil {
		return m.removeErr
	}
	m.revision++
	for i := range m.plugins {
		if p := &m.plugins[i]; p.Name == name && p.Version == version {
			p.Active = false
		}
	}
	return nil
}

func (m *memory) DeletePlugin(_ context.Context, name, version string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.removeErr != nil {
		return m.removeErr
	}
	m.revision++
	m.plugins = slices.DeleteFunc(m.plugins, func(p host.Plugin) bool {
		if p.Name != name || p.Version != version {
			return false
		}
		delete(m.modules, p.Digest)
		return true
	})
	return nil
}

func (m *memory) Bindings(context.Context) (map[host.BindingScope][]host.Binding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.bindings), nil
}

func (m *memory) PutBindings(_ context.Context, scope host.BindingScope, bindings []host.Binding) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bindings == nil {
		m.bindings = map[host.BindingScope][]host.Binding{}
	}
	m.revision++
	m.bindings[scope] = bindings
	return nil
}

// The tests with this store keep no values.

func (m *memory) KVValue(context.Context, string, string) ([]byte, bool, error) {
	return nil, false, errors.ErrUnsupported
}

func (m *memory) SetKVValue(context.Context, string, string, []byte, host.KVQuota) error {
	return errors.ErrUnsupported
}

func (m *memory) DeleteKVValue(context.Context, string, string) error { return errors.ErrUnsupported }

// fakeModule is what tests install whose Loader does not look at it.
var fakeModule = []byte("module")

// guests is a Loader whose modules do what call says. It counts those that are
// open, and calls of one that is closed.
type guests struct {
	call func(ctx context.Context, source runtime.Source, call runtime.Call) (runtime.Result, error)
	// loadErr fails the loading of a source that it names.
	loadErr map[string]error

	mu     sync.Mutex
	loads  int
	open   int
	misuse int
	// discarded are the sources whose compiled code was given up.
	discarded []string
}

func (g *guests) Inspect(context.Context, runtime.Source) ([]host.Problem, error) { return nil, nil }

func (g *guests) Load(_ context.Context, source runtime.Source) (plugin.Module, error) {
	if err := g.loadErr[source.Name]; err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loads++
	g.open++
	return &guest{guests: g, source: source}, nil
}

func (g *guests) Discard(_ context.Context, source runtime.Source) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.discarded = append(g.discarded, source.Name)
	return nil
}

// counts returns how many modules were loaded, are open, and were called or
// closed after they had been closed.
func (g *guests) counts() (loads, open, misuse int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.loads, g.open, g.misuse
}

type guest struct {
	guests *guests
	source runtime.Source
	closed bool
}

func (g *guest) Call(ctx context.Context, call runtime.Call) (runtime.Result, error) {
	result, err := g.guests.call(ctx, g.source, call)
	g.guests.mu.Lock()
	defer g.guests.mu.Unlock()
	if g.closed {
		g.guests.misuse++
	}
	return result, err
}

func (g *guest) Close(context.Context) error {
	g.guests.mu.Lock()
	defer g.guests.mu.Unlock()
	if g.closed {
		g.guests.misuse++
	}
	g.closed = true
	g.guests.open--
	return nil
}
