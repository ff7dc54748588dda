// Package engine runs components, while their clients wait or in the background:
// it builds what the hooks and the model see, obeys the verdicts, streams the
// events and writes the end of a run together with the background calls it causes.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
)

// Store is what the engine keeps.
type Store interface {
	host.RunStore
	host.SessionStore
	host.BackgroundStore
	host.EventStore
	// ReleaseHookCall is that of host.HookCallStore.
	ReleaseHookCall(ctx context.Context, id string, fence int) error
}

// Pool carries out background calls on this node.
type Pool interface {
	// Reserve takes room for up to n calls of a plugin and returns how many it
	// got.
	Reserve(plugin string, n int) int
	// Return gives reserved room back.
	Return(plugin string, n int)
	// Submit hands over calls whose room is reserved.
	Submit(jobs ...pool.Job)
	// Nudge tells that due calls lie in the store.
	Nudge()
}

// Config is what an Engine needs.
type Config struct {
	Store Store
	Hooks *hook.Dispatcher
	Pool  Pool
	// Agents, Teams and Workflows are what can be run.
	Agents    []*host.Agent
	Teams     []*host.Team
	Workflows []*host.Workflow
	// Tools opens what components may call; nil where none calls anything.
	Tools host.Toolbox
	// Models by the name agents use.
	Models map[string]model.Model
	// Node owns the runs and calls begun here.
	Node string
	// Lease is how long a row stays this node's without renewal; 10 s by default.
	Lease time.Duration
	// MaxQueued is how many background runs may be PENDING; 0 for any number.
	MaxQueued int
	// MaxAttempts is how many workers a background run may lose before it is given
	// up; 3 by default.
	MaxAttempts int
	// RunTimeout bounds one attempt of a background run; 0 for no bound.
	RunTimeout time.Duration
	// Observer is told of every run; nil for nobody.
	Observer host.Observer
	// Now defaults to time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Engine runs components. It is safe for concurrent use.
type Engine struct {
	store    Store
	hooks    *hook.Dispatcher
	pool     Pool
	catalog  *catalog
	toolbox  host.Toolbox
	models   map[string]model.Model
	sessions *turnstile
	live     *liveRuns
	bell     *bell
	unstored *unstored
	node     string
	lease    time.Duration
	bounds   bounds
	observer host.Observer
	now      func() time.Time
	log      *slog.Logger
}

// bounds are those of background runs.
type bounds struct {
	queued   int
	attempts int
	timeout  time.Duration
}

// New checks the configuration.
func New(cfg Config) (*Engine, error) {
	if cfg.Store == nil || cfg.Hooks == nil || cfg.Pool == nil || cfg.Log == nil || cfg.Node == "" {
		return nil, errors.New("new engine: store, hooks, pool, log and node are required")
	}
	if min(cfg.MaxQueued, cfg.MaxAttempts) < 0 || cfg.RunTimeout < 0 {
		return nil, errors.New("new engine: bounds of background runs must not be negative")
	}
	if cfg.MaxAttempts == 0 {
		cfg.MaxAttempts = 3
	}
	if cfg.Lease == 0 {
		cfg.Lease = 10 * time.Second
	}
	if cfg.Observer == nil {
		cfg.Observer = host.Unobserved{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	e := &Engine{
		store: cfg.Store, hooks: cfg.Hooks, pool: cfg.Pool, toolbox: cfg.Tools, models: cfg.Models,
		sessions: newTurnstile(),
		live:     newLiveRuns(), bell: newBell(), unstored: newUnstored(),
		node: cfg.Node, lease: cfg.Lease, observer: cfg.Observer, now: cfg.Now, log: cfg.Log,
		bounds: bounds{queued: cfg.MaxQueued, attempts: cfg.MaxAttempts, timeout: cfg.RunTimeout},
	}
	var err error
	if e.catalog, err = newCatalog(&cfg); err != nil {
		return nil, fmt.Errorf("new engine: %w", err)
	}
	return e, nil
}

// ModelInfo names the model of that name; zero when there is none.
func (e *Engine) ModelInfo(name string) model.Info {
	if m := e.models[name]; m != nil {
		return m.Info()
	}
	return model.Info{}
}

// WorkHook makes one attempt of a background call.
func (e *Engine) WorkHook(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall {
	return e.hooks.Deliver(ctx, call, snapshot, host.Services{
		SessionState: &storedState{e.store, call}, Runner: &lateRunner{e, call.RunID, snapshot},
	})
}
