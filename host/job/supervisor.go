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
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

// Store is what a Supervisor works on.
type Store interface {
	host.HookCallStore
	host.BackgroundStore
	host.LeaseStore
	host.RetentionStore
}

// Handlers make attempts.
type Handlers struct {
	// HookCall makes one attempt of a background call. It sets Error when the
	// attempt failed and leaves Status alone.
	HookCall func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall
	// Run carries out a background run: nil when it is over or another attempt's,
	// an error when it is to be given back. It returns soon after ctx ends. Nil
	// where there are no background runs.
	Run func(ctx context.Context, work host.RunWork) error
	// Cancelled is told, at every beat, the ids of runs of this node that somebody
	// asked to cancel, if any. Nil for nobody.
	Cancelled func(ctx context.Context, ids []string) error
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
	// RunWorkers is how many background runs go on at once; 32 by default, since
	// runs mostly wait for models.
	RunWorkers int
	// Drain is how long the runs of a stopping node may go on; 20 s by default.
	// Hook calls have the pool's time for it.
	Drain time.Duration
	// Grace is how long due work is left to others who were told of it (DueRun,
	// DueHookCall) before this node looks for it; 0 where nobody is told.
	Grace time.Duration
	// Lease is how long a claim holds without renewal; 10 s by default.
	Lease time.Duration
	// Beat is the time between renewals; 2 s by default.
	Beat time.Duration
	// Sweep is the time between sweeps after the one at start; 0 for none, where
	// only one process can open the store.
	Sweep time.Duration
	// Retention says what to forget beside the streams of runs that ended.
	Retention Retention
	// Observer is told what happens; nil for nobody.
	Observer host.Observer
	// Now defaults to time.Now, Jitter to a random factor of 0.8 to 1.2.
	Now    func() time.Time
	Jitter func() float64
	Log    *slog.Logger
}

func (c Config) validate() error {
	if c.Store == nil || c.Pool == nil || c.Handlers.HookCall == nil || c.Log == nil || c.Node == "" {
		return errors.New("store, pool, handlers, log and node are required")
	}
	if min(c.Lease, c.Beat, c.Sweep, c.Drain, c.Grace) < 0 || c.RunWorkers < 0 {
		return errors.New("lease, beat, sweep, drain, grace and run workers must not be negative")
	}
	return c.Retention.validate()
}

func (c Config) withDefaults() Config {
	if c.RunWorkers == 0 {
		c.RunWorkers = 32
	}
	if c.Drain == 0 {
		c.Drain = 20 * time.Second
	}
	if c.Lease == 0 {
		c.Lease = 10 * time.Second
	}
	if c.Beat == 0 {
		c.Beat = 2 * time.Second
	}
	if c.Observer == nil {
		c.Observer = host.Unobserved{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = func() float64 { return 0.8 + 0.4*rand.Float64() } //nolint:gosec // spreads retries, guards nothing
	}
	return c
}

// Supervisor runs the background work of this node. It is safe for concurrent
// use; Run is called once.
type Supervisor struct {
	cfg   Config
	wards *wards
	// due are runs this node was told of; they are taken while there is a worker
	// for them, until stopped is closed.
	due     chan dueRun
	stopped chan struct{}
	// settling is closed when nothing is claimed any more.
	settling chan struct{}
	settle   sync.Once
	// wakeRuns tells that there may be runs to claim.
	wakeRuns chan struct{}
	// leased is when the leases of this node end, nil before they were renewed.
	leased atomic.Pointer[time.Time]
}

var _ pool.Handler = (*Supervisor)(nil)

// New checks the configuration.
func New(cfg Config) (*Supervisor, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("new supervisor: %w", err)
	}
	cfg = cfg.withDefaults()
	if cfg.Beat >= cfg.Lease {
		return nil, errors.New("new supervisor: beat must be shorter than lease")
	}
	return &Supervisor{
		cfg: cfg, wards: newWards(),
		due: make(chan dueRun), stopped: make(chan struct{}), settling: make(chan struct{}), wakeRuns: make(chan struct{}, 1),
	}, nil
}

// Nudge says that the store may hold due work.
func (s *Supervisor) Nudge() {
	select {
	case s.wakeRuns <- struct{}{}:
	default:
	}
	s.cfg.Pool.Nudge()
}

// Receive hears the signals of nodes. With a Grace that of due work is for
// others.
func (s *Supervisor) Receive(signal host.Signal) {
	if signal.Kind == host.SignalWork && s.cfg.Grace == 0 {
		s.Nudge()
	}
}

// StopClaiming has this node take no more runs and calls from the store; the runs
// it has drain from now on. The pool takes what requests bring until the end of
// Run's context, which does the same. It may be called again.
func (s *Supervisor) StopClaiming() { s.settle.Do(func() { close(s.settling) }) }

// claims reports whether this node takes work from the store.
func (s *Supervisor) claims() bool {
	select {
	case <-s.settling:
		return false
	default:
		return true
	}
}

// Run works until ctx ends and the pool and the runs have drained.
func (s *Supervisor) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.StopClaiming)()
	s.try(ctx, "renew leases", s.renew) // before the first sweep
	alive, die := context.WithCancel(context.WithoutCancel(ctx))
	defer die()
	var beats, work errgroup.Group
	beats.Go(func() error { return s.attend(alive) })
	beats.Go(func() error { return s.every(alive, s.cfg.Beat, "renew leases", s.renew) })
	if s.cfg.Handlers.Repair != nil {
		beats.Go(func() error { return s.every(alive, s.cfg.Beat, "repair", s.cfg.Handlers.Repair) })
	}
	claiming, stopClaiming := context.WithCancel(ctx)
	work.Go(func() error {
		defer stopClaiming()
		<-s.settling
		return nil
	})
	work.Go(func() error { return s.cfg.Pool.Run(ctx, s) })
	work.Go(func() error { return s.claim(claiming) })
	work.Go(func() error { return s.forget(ctx) })
	work.Go(func() error { return s.workRuns(claiming) })
	if s.cfg.Sweep > 0 {
		work.Go(func() error { return s.every(ctx, s.cfg.Sweep, "sweep", s.sweepAlive) })
	}
	err := work.Wait()
	die() // leases were kept until here, after ctx had ended
	return errors.Join(err, beats.Wait())
}

// every calls act again and again until ctx ends.
func (s *Supervisor) every(ctx context.Context, period time.Duration, name string, act func(context.Context) error) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.try(ctx, name, act)
		}
	}
}

// try calls act, which will be called again: a failure is logged.
func (s *Supervisor) try(ctx context.Context, name string, act func(context.Context) error) {
	if err := act(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Log.Error(name, "error", err)
	}
}
