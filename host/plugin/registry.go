package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Defaults of a Config.
const (
	DefaultBackgroundSlots = 32
	DefaultSlotWait        = 5 * time.Second
	DefaultMaxModuleBytes  = 16 << 20
)

// Store is what a Registry keeps in the store.
type Store interface {
	host.PluginStore
	host.BindingStore
	host.KVStore
}

// Config is what a Registry needs.
type Config struct {
	// Store, Loader and Trials are required.
	Store  Store
	Loader Loader
	Trials Trials
	// ConfigBindings are the bindings of the configuration; they cannot be
	// changed.
	ConfigBindings map[host.BindingScope][]host.Binding
	// Secrets are the operator's, for plugins that were granted them; nil for
	// none.
	Secrets host.Secrets
	// BlockingSlots and BackgroundSlots bound the calls that run at once; they
	// default to twice GOMAXPROCS and DefaultBackgroundSlots.
	BlockingSlots   int
	BackgroundSlots int
	// SlotWait bounds how long a call waits for a slot; DefaultSlotWait.
	SlotWait time.Duration
	// MaxModuleBytes bounds a module; DefaultMaxModuleBytes.
	MaxModuleBytes int64
	// Log gets what an operator should know; nil discards it.
	Log *slog.Logger
	// Observer is told of modules that are loaded; nil for nobody.
	Observer host.Observer
	// Now defaults to time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.BlockingSlots == 0 {
		c.BlockingSlots = 2 * goruntime.GOMAXPROCS(0)
	}
	if c.BackgroundSlots == 0 {
		c.BackgroundSlots = DefaultBackgroundSlots
	}
	if c.SlotWait == 0 {
		c.SlotWait = DefaultSlotWait
	}
	if c.MaxModuleBytes == 0 {
		c.MaxModuleBytes = DefaultMaxModuleBytes
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = host.Unobserved{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Secrets == nil {
		c.Secrets = noSecrets{}
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Store == nil || c.Loader == nil || c.Trials == nil:
		return errors.New("store, loader and trials are required")
	case c.BlockingSlots < 0 || c.BackgroundSlots < 0:
		return errors.New("slots must be positive")
	case c.SlotWait < 0 || c.MaxModuleBytes < 0:
		return errors.New("limits must be positive")
	}
	return nil
}

// Registry knows the plugins of the host and calls them. What it holds in memory
// is what the store says, since the last Sync; a plugin or binding it returns
// must not be changed. It is safe for concurrent use.
type Registry struct {
	store          Store
	loader         Loader
	trials         Trials
	log            *slog.Logger
	observer       host.Observer
	now            func() time.Time
	secrets        host.Secrets
	maxModuleBytes int64
	configBindings map[host.BindingScope][]host.Binding

	state   atomic.Pointer[state]
	modules *modules

	uploads uploads
	// examining holds a token while a plugin is examined.
	examining chan struct{}

	closing    sync.Mutex
	stop       sync.Once
	stopped    chan struct{}
	blocking   *slots
	background *slots

	// change serialises changes of the store and what follows in memory.
	change sync.Mutex
	// pins release the modules of active plugins, which stay loaded; guarded by
	// change.
	pins map[string]func()
}

// NewRegistry checks the configuration. The registry is empty until Sync.
func NewRegistry(c Config) (*Registry, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("new registry: %w", err)
	}
	stopped := make(chan struct{})
	r := &Registry{
		store: c.Store, loader: c.Loader, trials: c.Trials, log: c.Log, observer: c.Observer, now: c.Now, secrets: c.Secrets, maxModuleBytes: c.MaxModuleBytes,
		configBindings: map[host.BindingScope][]host.Binding{},
		stopped:        stopped,
		blocking:       newSlots(c.BlockingSlots, c.SlotWait, stopped),
		background:     newSlots(c.BackgroundSlots, c.SlotWait, stopped),
		pins:           map[string]func(){},
		examining:      make(chan struct{}, 1),
	}
	for scope, list := range c.ConfigBindings {
		r.configBindings[scope] = withSource(list, host.SourceConfig)
	}
	r.modules = newModules(r.load, c.Log)
	r.state.Store(newState(nil, nil))
	return r, nil
}

// Sync makes memory equal the store. Call it at start; the registry's own
// changes call it. An active plugin that cannot be loaded is logged and stops
// nothing else; its calls, and the next Sync, try again.
func (r *Registry) Sync(ctx context.Context) error {
	r.change.Lock()
	defer r.change.Unlock()
	return r.sync(ctx)
}

func (r *Registry) sync(ctx context.Context) error {
	plugins, err := r.store.Plugins(ctx)
	if err != nil {
		return fmt.Errorf("sync plugins: %w", err)
	}
	bindings, err := r.store.Bindings(ctx)
	if err != nil {
		return fmt.Errorf("sync bindings: %w", err)
	}
	s := newState(plugins, bindings)
	r.pin(ctx, s)
	r.state.Store(s)
	r.unpin(s)
	return nil
}

// pin loads the active plugins and keeps them loaded.
func (r *Registry) pin(ctx context.Context, s *state) {
	for _, p := range s.active {
		if r.pins[p.Digest] != nil {
			continue
		}
		_, release, err := r.modules.acquire(ctx, p)
		if err != nil {
			r.log.ErrorContext(ctx, "load plugin", "plugin", p.Name, "version", p.Version, "err", err)
			continue
		}
		r.pins[p.Digest] = release
		if err := r.checkSecrets(p.Manifest); err != nil { // they were there when it was activated
			r.log.WarnContext(ctx, "requests of a plugin will fail", "plugin", p.Name, "version", p.Version, "err", err)
		}
	}
}

// unpin lets go of plugins that are not active any more. One that runs is closed
// when its last call returns.
func (r *Registry) unpin(s *state) {
	for digest, release := range r.pins {
		if p := s.byDigest[digest]; p == nil || !p.Active {
			delete(r.pins, digest)
			release()
		}
	}
}

// Plugins returns all versions, by name and then by creation.
func (r *Registry) Plugins() []host.Plugin { return slices.Clone(r.state.Load().plugins) }

// Versions returns the versions of a plugin in the order of their creation, or
// an *host.Error with CodeNotFound.
func (r *Registry) Versions(name string) ([]host.Plugin, error) {
	var versions []host.Plugin
	for _, p := range r.state.Load().plugins {
		if p.Name == name {
			versions = append(versions, p)
		}
	}
	if versions == nil {
		return nil, host.Errorf(host.CodeNotFound, "no plugin %q is installed", cut(name))
	}
	return versions, nil
}

// Plugin returns one version of a plugin, or an *host.Error with CodeNotFound.
func (r *Registry) Plugin(name, version string) (host.Plugin, error) {
	p, err := r.find(name, version)
	if err != nil {
		return host.Plugin{}, err
	}
	return *p, nil
}

func (r *Registry) find(name, version string) (*host.Plugin, error) {
	s := r.state.Load()
	if p, ok := s.version(name, version); ok {
		return p, nil
	}
	if s.knows(name) {
		return nil, host.Errorf(host.CodeNotFound, "the plugin %q has no version %q", name, cut(version))
	}
	return nil, host.Errorf(host.CodeNotFound, "no plugin %q is installed", cut(name))
}

// Close refuses new calls, waits for those that run until ctx ends, and lets go
// of all modules. It may be called again.
func (r *Registry) Close(ctx context.Context) error {
	r.closing.Lock()
	defer r.closing.Unlock()
	r.stop.Do(func() { close(r.stopped) })
	err := errors.Join(r.blocking.drain(ctx), r.background.drain(ctx))
	r.change.Lock()
	defer r.change.Unlock()
	r.unpin(newState(nil, nil))
	if err != nil {
		return fmt.Errorf("close registry: calls still run: %w", err)
	}
	return nil
}
