// Package hook calls the hooks of a run: which ones, in which order, under
// which deadline. It combines the verdicts of blocking hooks into one
// (agent-hooks/0.1 §7, profile sequential/first_deny) and delivers background
// hooks.
package hook

import (
	"errors"
	"log/slog"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Bindings says which plugins are bound to a component.
type Bindings interface {
	// Resolve returns the bindings that apply to a run of c, in their order, by who
	// asked for the run.
	Resolve(c host.Component, origin host.Origin) []host.BoundPlugin
}

// Config is what a Dispatcher needs.
type Config struct {
	Caller   host.Caller
	Bindings Bindings
	// InBackground puts hooks that nobody marked into the background
	// (run_hooks_in_background).
	InBackground bool
	// Observer is told of every call; nil for nobody.
	Observer host.Observer
	// Now defaults to time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Dispatcher calls hooks. It is safe for concurrent use.
type Dispatcher struct {
	caller       host.Caller
	bindings     Bindings
	inBackground bool
	observer     host.Observer
	now          func() time.Time
	log          *slog.Logger
}

// NewDispatcher checks the configuration.
func NewDispatcher(cfg Config) (*Dispatcher, error) {
	if cfg.Caller == nil || cfg.Bindings == nil || cfg.Log == nil {
		return nil, errors.New("new dispatcher: caller, bindings and log are required")
	}
	if cfg.Observer == nil {
		cfg.Observer = host.Unobserved{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Dispatcher{
		caller: cfg.Caller, bindings: cfg.Bindings, inBackground: cfg.InBackground,
		observer: cfg.Observer,
		now:      cfg.Now, log: cfg.Log,
	}, nil
}
