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
	DefaultToolSlots       = 16
	DefaultSlotWait        = 5 * time.Second
	DefaultMaxModuleBytes  = 16 << 20
	DefaultPoll            = 500 * time.Millisecond
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
	// ToolUses say who in the configuration uses tools of plugins, in the order in
	// which they are told.
	ToolUses []ToolUse
	// Components are those of the host. A configuration that has a plugin run another
	// one is refused; nil where they are not known.
	Components []host.BindingScope
	// Secrets are the operator's, for plugins that were granted them; nil for
	// none.
	Secrets host.Secrets
	// BlockingSlots, BackgroundSlots and ToolSlots bound the calls that run at once in
	// runs of one depth; they default to twice GOMAXPROCS, DefaultBackgroundSlots and
	// DefaultToolSlots.
	BlockingSlots   int
	BackgroundSlots int
	ToolSlots       int
	// SlotWait bounds how long a call of a hook waits for a slot; DefaultSlotWait. A
	// call of a tool waits until its context ends.
	SlotWait time.Duration
	// MaxModuleBytes bounds a module; DefaultMaxModuleBytes.
	MaxModuleBytes int64
	// Poll is how often Watch looks for changes of other nodes; DefaultPoll.
	Poll time.Duration
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
	if c.ToolSlots == 0 {
		c.ToolSlots = DefaultToolSlots
	}
	if c.SlotWait == 0 {
		c.SlotWait = DefaultSlotWait
	}
	if c.MaxModuleBytes == 0 {
		c.MaxModuleBytes = DefaultMaxModuleBytes
	}
	if c.Poll == 0 {
		c.Poll = DefaultPoll
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
	case c.BlockingSlots < 0 || c.BackgroundSlots < 0 || c.ToolSlots < 0:
		return errors.New("slots must be positive")
	case c.SlotWait < 0 || c.MaxModuleBytes < 0 || c.Poll < 0:
		return errors.New("limits must be positive")
	}
	return nil
}

// Registry knows the plugins of the host and calls them. What it holds in memory
// is what the store says, since the last Sync, and with Watch what other nodes
// say too; a plugin or binding it returns must not be changed. It is safe for
// concurrent use.
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
	toolUses       []ToolUse
	components     []host.BindingScope

	state   atomic.Pointer[state]
	modules *modules

	uploads uploads
	// examining holds a token while a plugin is examined.
	examining chan struct{}

	closing sync.Mutex
	stop    sync.Once
	stopped chan struct{}
	slots   [host.MaxDepth + 1]slotGroup

	// change serialises changes of the store and what follows in memory.
	change sync.Mutex
	// revision is the store's that memory equals at least, and pins release the
	// modules of active plugins, which stay loaded; both are guarded by change.
	revision int64
	pins     map[string]func()
	// signalled wakes Watch.
	signalled chan struct{}
	poll      time.Duration
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
		toolUses:       c.ToolUses,
		components:     c.Components,
		stopped:        stopped,
		pins:           map[string]func(){},
		examining:      make(chan struct{}, 1),
		signalled:      make(chan struct{}, 1),
		poll:           c.Poll,
	}
	for scope, list := range c.ConfigBindings {
		r.configBindings[scope] = withSource(list, host.SourceConfig)
	}
	for depth := range r.slots {
		r.slots[depth] = newSlotGroup(c, stopped)
	}
	r.modules = newModules(r.load, c.Log)
	r.state.Store(newState(nil, nil))
	return r, nil
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
	var err error
	for _, group := range r.slots {
		err = errors.Join(err, group.drain(ctx))
	}
	r.change.Lock()
	defer r.change.Unlock()
	r.unpin(newState(nil, nil))
	if err != nil {
		return fmt.Errorf("close registry: calls still run: %w", err)
	}
	return nil
}
