package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/cmd/host/config"
	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/httpapi"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/metric"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/host/tool"
	"github.com/snaphook-dev/snaphook/runtime"
)

// How long a stopping host waits: for requests, for background calls, and for
// calls of plugins that outlive both.
const (
	drainRequests = 20 * time.Second
	drainCalls    = 20 * time.Second
	drainPlugins  = 5 * time.Second
)

// On a store that nodes share, how long due work is left to whom River gives it,
// and how often a node looks for what a dead one left.
const (
	dispatchGrace = 5 * time.Second
	sweepEvery    = 500 * time.Millisecond
)

// serve builds the host from its parts and runs it until ctx ends. Once it
// accepts requests it calls ready with the address it listens on, host:port.
func serve(ctx context.Context, cfg *config.Config, log *slog.Logger, ready func(address string)) (err error) {
	h := &parts{cfg: cfg, log: log, node: uuid.NewString()}
	// What was opened is closed in reverse, also when a later part fails.
	defer func() { err = errors.Join(err, h.close()) }()
	for _, build := range []func(context.Context) error{h.buildMetrics, h.openStore, h.loadPlugins, h.buildEngine, h.buildAPI} {
		if err := build(ctx); err != nil {
			return err
		}
	}
	if err := h.supervisor.Sweep(ctx); err != nil {
		return err
	}
	return h.run(ctx, ready)
}

// parts are the parts of a host while it is built and while it runs.
type parts struct {
	cfg  *config.Config
	log  *slog.Logger
	node string

	store host.Store
	// jobs are River's connections, nil where no other node shares the store.
	jobs *pgxpool.Pool

	registry   *plugin.Registry
	tools      host.Toolbox
	engine     *engine.Engine
	supervisor *job.Supervisor
	metrics    *metric.Metrics
	api        *httpapi.API
	closers    []func(context.Context) error
}

// shared reports whether other nodes work on the store too.
func (h *parts) shared() bool { return h.jobs != nil }

func (h *parts) loadPlugins(ctx context.Context) error {
	dir, err := cacheDir(h.cfg.CacheDir)
	if err != nil {
		return err
	}
	rt, err := runtime.New(runtime.Config{CacheDir: dir, Log: h.log})
	if err != nil {
		return fmt.Errorf("start runtime: %w", err)
	}
	h.closers = append(h.closers, rt.Close)
	// The guests' engine sends their requests through the default client. No
	// client of the host's own does.
	http.DefaultClient = runtime.NewHTTPClient()
	h.registry, err = plugin.NewRegistry(plugin.Config{
		Store: h.store, Loader: plugin.NewLoader(rt), Trials: hook.Trials{InBackground: h.cfg.RunHooksInBackground},
		ConfigBindings: configBindings(h.cfg), ToolUses: toolUses(h.cfg), Components: componentsOf(h.cfg), Secrets: h.cfg.Secrets,
		Observer: h.metrics, Log: h.log,
	})
	if err != nil {
		return err
	}
	h.closers = append(h.closers, h.registry.Close)
	if err := h.registry.Sync(ctx); err != nil {
		return err
	}
	if h.cfg.Plugins.Dir != "" {
		if err := h.registry.LoadDir(ctx, h.cfg.Plugins.Dir, h.cfg.Plugins.Grants); err != nil {
			return err
		}
	}
	warnings, err := h.registry.CheckConfigBindings()
	for _, w := range warnings {
		h.log.Warn(w)
	}
	return err
}

// configBindings are the bindings of the configuration by scope.
func configBindings(cfg *config.Config) map[host.BindingScope][]host.Binding {
	bindings := map[host.BindingScope][]host.Binding{host.HostWide: cfg.Hooks}
	for _, a := range cfg.Agents {
		bindings[a.Component().Scope()] = a.Hooks
	}
	for _, t := range cfg.Teams {
		bindings[t.Component().Scope()] = t.Hooks
	}
	for _, w := range cfg.Workflows {
		bindings[w.Component().Scope()] = w.Hooks
	}
	return bindings
}

// componentsOf are all that can be run.
func componentsOf(cfg *config.Config) []host.BindingScope {
	components := []host.BindingScope{} // not nil: they are known
	for _, a := range cfg.Agents {
		components = append(components, a.Component().Scope())
	}
	for _, t := range cfg.Teams {
		components = append(components, t.Component().Scope())
	}
	for _, w := range cfg.Workflows {
		components = append(components, w.Component().Scope())
	}
	return components
}

// cacheDir is where compiled modules are kept: as configured, else in the user's
// cache.
func cacheDir(configured string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("choose cache_dir: %w", err)
	}
	return filepath.Join(base, "snaphook", "modules"), nil
}

func (h *parts) buildEngine(ctx context.Context) error {
	hooks, err := hook.NewDispatcher(hook.Config{
		Caller: h.registry, Bindings: h.registry, InBackground: h.cfg.RunHooksInBackground,
		Observer: h.metrics, Log: h.log,
	})
	if err != nil {
		return err
	}
	queue, err := pool.New(pool.Config{SoftStop: drainCalls})
	if err != nil {
		return err
	}
	tools, err := tool.New(tool.Config{Plugins: h.registry, Caller: h.registry, Version: version(), Log: h.log})
	if err != nil {
		return err
	}
	h.tools = tools
	h.closers = append(h.closers, tools.Close)
	if err := h.checkTools(ctx, tools); err != nil {
		return err
	}
	h.engine, err = engine.New(engine.Config{
		Store: h.store, Hooks: hooks, Pool: queue, Tools: tools, Models: h.cfg.Models, Node: h.node,
		Agents: pointers(h.cfg.Agents), Teams: pointers(h.cfg.Teams), Workflows: pointers(h.cfg.Workflows),
		MaxQueued: h.cfg.Background.Queue, RunTimeout: h.cfg.Background.Timeout,
		Observer: h.metrics, Log: h.log,
	})
	if err != nil {
		return err
	}
	return h.buildSupervisor(queue)
}

// pointers are the addresses of the items of a list.
func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

func (h *parts) buildSupervisor(queue *pool.Pool) (err error) {
	cfg := job.Config{
		Store: h.store, Pool: queue, Node: h.node,
		Handlers: job.Handlers{
			HookCall: h.engine.WorkHook, Run: h.engine.Work, Cancelled: h.engine.Cancelled, Repair: h.engine.Repair,
		},
		RunWorkers: h.cfg.Background.Workers, Drain: h.cfg.Background.Drain,
		Retention: h.cfg.Retention, Observer: h.metrics, Log: h.log,
	}
	if h.shared() {
		cfg.Grace, cfg.Sweep = dispatchGrace, sweepEvery
	}
	h.supervisor, err = job.New(cfg)
	return err
}

func (h *parts) buildAPI(context.Context) (err error) {
	h.api, err = httpapi.New(httpapi.Config{
		Engine: h.engine, Plugins: h.registry, Runs: h.store, Sessions: h.store, Jobs: h.supervisor,
		Metrics: h.metrics, Ready: h.ready,
		SecurityKey: h.cfg.SecurityKey, OfflineModels: h.cfg.OfflineModels,
		Insecure: h.cfg.Insecure, Origins: h.cfg.CORSOrigins, Version: version(), Log: h.log,
	})
	return err
}

// close closes in reverse order what was opened.
func (h *parts) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainPlugins)
	defer cancel()
	var errs []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		errs = append(errs, h.closers[i](ctx))
	}
	return errors.Join(errs...)
}
