// Package httpapi serves the host over HTTP: runs, in the shapes AgentOS clients
// speak, and plugins, bindings and hook results.
//
// A request body is bounded and read once, in time; whatever is wrong with it is
// answered with a 4xx that names the field. The package decides no rule of the
// domain: it translates between HTTP and host.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Engine runs components.
type Engine interface {
	// Agents returns the agents in the order of the configuration.
	Agents() []*host.Agent
	// Agent returns the agent of that id, or false.
	Agent(id string) (*host.Agent, bool)
	// Teams, Team, Workflows and Workflow are the same for the other kinds.
	Teams() []*host.Team
	Team(id string) (*host.Team, bool)
	Workflows() []*host.Workflow
	Workflow(id string) (*host.Workflow, bool)
	// TrialRunner runs components for hooks that are tried with real effects.
	TrialRunner() host.Runner
	// ToolDefinitions returns what a component may call, without what cannot be found
	// out now.
	ToolDefinitions(ctx context.Context, scope host.BindingScope) ([]host.ToolDefinition, error)
	// WithChildren returns the run with the finished runs inside it, and those inside
	// them. A run that was refused shows none.
	WithChildren(ctx context.Context, run host.Run) (host.Run, error)
	// ModelInfo names the model of that configured name.
	ModelInfo(name string) model.Info
	// Run executes one run. It fails only when the run could not be begun or
	// stored; a refused or failed run is a Run with the status ERROR.
	Run(ctx context.Context, req host.RunRequest) (host.Run, error)
	// Start begins a background run and returns it, or the first run of the
	// request's idempotency key, as it is now.
	Start(ctx context.Context, req host.RunRequest) (host.Run, error)
	// Cancel ends a run wherever it is, or before it begins; a final run stays as it
	// is.
	Cancel(ctx context.Context, id string) error
	// Follow hands the events of a run's stream, from an index on, to send as they
	// are committed, until the run has ended. It ends with ctx's error or send's.
	Follow(ctx context.Context, id string, from int, send func(host.Event) error) error
}

// Plugins installs plugins and binds them.
type Plugins interface {
	// Install checks a plugin and stores it, inactive.
	Install(ctx context.Context, manifest, module []byte) (plugin.Installed, error)
	// Activate grants permissions to a version and makes it the active one;
	// CodeConflict with who uses a hook or tool it lacks, unless it is forced.
	Activate(ctx context.Context, name, version string, grants []pluginapi.Permission, force bool) (host.Plugin, error)
	// Deactivate leaves the plugin without an active version; CodeConflict with
	// the users while it is bound or its tools are used, unless it is forced.
	Deactivate(ctx context.Context, name, version string, force bool) (host.Plugin, error)
	// Delete deletes a version; CodeConflict while it is active or in use, unless
	// it is forced, and while a hook call of it is not final.
	Delete(ctx context.Context, name, version string, force bool) error
	// Try asks one hook of a version, active or not, outside any run.
	Try(ctx context.Context, name, version string, try plugin.Try) (host.TrialResult, error)
	// Plugins returns all versions, by name and then by creation.
	Plugins() []host.Plugin
	// Versions returns the versions of one plugin; CodeNotFound when there is none.
	Versions(name string) ([]host.Plugin, error)
	// Plugin returns one version; CodeNotFound when it is not installed.
	Plugin(name, version string) (host.Plugin, error)
	// Bindings returns the scope's own bindings: those of the configuration,
	// then those of the API.
	Bindings(scope host.BindingScope) []host.Binding
	// PutBindings replaces the scope's bindings of the API.
	PutBindings(ctx context.Context, scope host.BindingScope, bindings []host.Binding) error
}

// Runs reads what the store knows of runs, and keeps what was found of them.
type Runs interface {
	host.EvaluationStore
	// Run returns a run, whatever its state; CodeNotFound when there is none.
	Run(ctx context.Context, id string) (host.Run, error)
	// HookCalls returns the hook calls of a run in call order.
	HookCalls(ctx context.Context, runID string) ([]host.HookCall, error)
	// FindHookCalls returns limit of the calls the filter chooses, after the first
	// offset, the newest first.
	FindHookCalls(ctx context.Context, filter host.HookCallFilter, offset, limit int) (host.HookCallPage, error)
	// NextEvent is the index that follows the last event of a run's stream, 0 when
	// none is kept.
	NextEvent(ctx context.Context, runID string) (int, error)
}

// Sessions reads and changes the conversations.
type Sessions interface {
	host.SessionCatalog
	// Session returns a session; CodeNotFound when there is none.
	Session(ctx context.Context, id string) (host.Session, error)
}

// Config is what the API needs.
type Config struct {
	Engine   Engine
	Plugins  Plugins
	Runs     Runs
	Sessions Sessions
	Jobs     Jobs
	// Metrics is the page of metrics.
	Metrics http.Handler
	// Ready says why no requests should be sent here, or nil.
	Ready func(ctx context.Context) error
	// SecurityKey is what callers must show as a bearer token; empty asks
	// nobody. With a key the Host and Origin headers refuse nothing: who has the
	// key is trusted, wherever the page comes from.
	SecurityKey string
	// OfflineModels names the configured models that answer without a provider.
	OfflineModels []string
	// Insecure serves requests whatever their Host header names. Without it only
	// loopback names and addresses are served.
	Insecure bool
	// Origins are the origins whose pages may use the API; nil means
	// DefaultOrigins.
	Origins []string
	// Version is the host's own, for clients to show.
	Version string
	// Heartbeat is how long a stream stays silent at most; 15 s by default.
	Heartbeat time.Duration
	// Now defaults to time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// New checks the configuration. The API sets the read and write deadlines of a
// connection itself, so the server needs neither a ReadTimeout nor a
// WriteTimeout, only a ReadHeaderTimeout.
func New(cfg Config) (*API, error) {
	if cfg.Engine == nil || cfg.Plugins == nil || cfg.Runs == nil || cfg.Sessions == nil || cfg.Log == nil {
		return nil, errors.New("new http api: engine, plugins, runs, sessions and log are required")
	}
	if cfg.Jobs == nil || cfg.Metrics == nil || cfg.Ready == nil {
		return nil, errors.New("new http api: jobs, metrics and ready are required")
	}
	if cfg.Heartbeat < 0 {
		return nil, errors.New("new http api: the heartbeat must be positive")
	}
	if cfg.Origins == nil {
		cfg.Origins = DefaultOrigins()
	}
	for _, origin := range cfg.Origins {
		if err := checkOrigin(origin); err != nil {
			return nil, fmt.Errorf("new http api: %w", err)
		}
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 15 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &api{
		engine: cfg.Engine, plugins: cfg.Plugins, runs: cfg.Runs, sessions: cfg.Sessions,
		jobs: cfg.Jobs, metrics: cfg.Metrics, check: cfg.Ready, gate: newGate(),
		authMode: authMode(cfg.SecurityKey), offline: cfg.OfflineModels,
		version: cfg.Version, heartbeat: cfg.Heartbeat,
		now: cfg.Now, startedAt: cfg.Now(), log: cfg.Log,
		uploads: semaphore.NewWeighted(maxUploads),
	}
	routes := a.gated(a.router())
	g := guard{origins: cfg.Origins, anyHost: cfg.Insecure}
	if cfg.SecurityKey != "" {
		routes = a.authenticated(routes, cfg.SecurityKey)
		g.anyHost, g.anyStranger = true, true
	}
	return &API{handler: a.recovering(a.guarded(routes, g)), gate: a.gate}, nil
}

// api holds what the handlers need.
type api struct {
	engine    Engine
	plugins   Plugins
	runs      Runs
	sessions  Sessions
	jobs      Jobs
	metrics   http.Handler
	check     func(context.Context) error
	gate      *gate
	authMode  string
	offline   []string
	version   string
	heartbeat time.Duration
	now       func() time.Time
	startedAt time.Time
	log       *slog.Logger
	// uploads counts the bytes that uploads may hold.
	uploads *semaphore.Weighted
}
