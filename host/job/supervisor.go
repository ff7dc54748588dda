// Package job carries out what outlives a response: it takes due work from the
// store, keeps its leases, notices what dead owners left, and decides what a
// failed attempt comes to.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

// Store is what a Supervisor works on.
type Store interface {
	host.HookCallStore
	host.LeaseStore
	host.RetentionStore
}

// Handlers make attempts.
type Handlers struct {
	// HookCall makes one attempt of a background call. It sets Error when the
	// attempt failed and leaves Status alone.
	HookCall func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall
	// Repair is called at every beat; it mends what the store did not take. Nil
	// for nothing.
	Repair func(ctx context.Context) error
}

// Config is what a Supervisor needs; zero durations take the default.
type Config struct {
	Store    Store
	Pool     *pool.Pool
	Handlers Handlers
	// Node owns what is claimed here.
	Node string
	// Lease is how long a claim holds without renewal; 10 s by default.
	Lease time.Duration
	// Beat is the time between renewals; 2 s by default.
	Beat time.Duration
	// Sweep is the time between sweeps after the one at start; 0 for none, where
	// only one process can open the store.
	Sweep time.Duration
	// Retention says what to forget; the zero value forgets nothing.
	Retention Retention
	// Observer is told what happens; nil for nobody.
	Observer host.Observer
	// Now defaults to time.Now, Jitter to a random factor of 0.8 to 1.2.
	Now    func() time.Time
	Jitter func() float64
	Log    *slog.Logger
}

// Supervisor runs the background work of this node. It is safe for concurrent
// use.
type Supervisor struct {
	cfg   Config
	wards *wards
}

var _ pool.Handler = (*Supervisor)(nil)

// New checks the configuration.
func New(cfg Config) (*Supervisor, error) {
	if cfg.Store == nil || cfg.Pool == nil || cfg.Handlers.HookCall == nil || cfg.Log == nil || cfg.Node == "" {
		return nil, errors.New("new supervisor: store, pool, handlers, log and node are required")
	}
	if err := cfg.Retention.validate(); err != nil {
		return nil, fmt.Errorf("new supervisor: %w", err)
	}
	if cfg.Lease < 0 || cfg.Beat < 0 || cfg.Sweep < 0 {
		return nil, errors.New("new supervisor: lease, beat and sweep must not be negative")
	}
	if cfg.Lease == 0 {
		cfg.Lease = 10 * time.Second
	}
	if cfg.Beat == 0 {
		cfg.Beat = 2 * time.Second
	}
	if cfg.Beat >= cfg.Lease {
		return nil, errors.New("new supervisor: beat must be shorter than lease")
	}
	if cfg.Observer == nil {
		cfg.Observer = host.Unobserved{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Jitter == nil {
		cfg.Jitter = func() float64 { return 0.8 + 0.4*rand.Float64() } //nolint:gosec // spreads retries, guards nothing
	}
	return &Supervisor{cfg: cfg, wards: newWards()}, nil
}

// Sweep takes over what a dead process left. It is to be called before the host
// accepts work.
func (s *Supervisor) Sweep(ctx context.Context) error {
	swept, err := s.cfg.Store.Sweep(ctx, s.cfg.Node, s.cfg.Now())
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	if swept != (host.Swept{}) {
		s.cfg.Log.Info("took over the work of a dead process",
			"runs", swept.Runs, "hook_calls", swept.Calls, "dead", swept.Dead)
	}
	if swept.Calls > 0 {
		s.cfg.Pool.Nudge() // they are due now
	}
	return nil
}

// Run works until ctx ends and the pool has drained.
func (s *Supervisor) Run(ctx context.Context) error {
	// Leases are kept while the pool drains, after ctx has ended.
	drained, stopBeat := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer stopBeat()
		return s.cfg.Pool.Run(ctx, s)
	})
	group.Go(func() error { return s.every(drained, s.cfg.Beat, "renew leases", s.renew) })
	group.Go(func() error { return s.claim(ctx) })
	if s.cfg.Handlers.Repair != nil {
		group.Go(func() error { return s.every(drained, s.cfg.Beat, "repair", s.cfg.Handlers.Repair) })
	}
	if s.cfg.Sweep > 0 {
		group.Go(func() error { return s.every(ctx, s.cfg.Sweep, "sweep", s.Sweep) })
	}
	if s.cfg.Retention != (Retention{}) {
		group.Go(func() error { return s.forget(ctx) })
	}
	return group.Wait()
}

// every calls act again and again until ctx ends. A failure is logged and tried
// again at the next turn.
func (s *Supervisor) every(ctx context.Context, period time.Duration, name string, act func(context.Context) error) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := act(ctx); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error(name, "error", err)
			}
		}
	}
}

func (s *Supervisor) renew(ctx context.Context) error {
	_, err := s.cfg.Store.RenewLeases(ctx, s.lease())
	return err
}

func (s *Supervisor) lease() host.Lease {
	return host.Lease{Owner: s.cfg.Node, Until: s.cfg.Now().Add(s.cfg.Lease)}
}
