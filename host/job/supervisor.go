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
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

// Store is what a Supervisor works on.
type Store interface {
	host.HookCallStore
	host.LeaseStore
}

// Handlers make attempts.
type Handlers struct {
	// HookCall makes one attempt of a background call. It sets Error when the
	// attempt failed and leaves Status alone.
	HookCall func(ctx context.Context, call host.HookCall, snapshot []byte) host.HookCall
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
	// Now defaults to time.Now, Jitter to a random factor of 0.8 to 1.2.
	Now    func() time.Time
	Jitter func() float64
	Log    *slog.Logger
}

// Supervisor runs the background work of this node.
type Supervisor struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Supervisor, error) {
	if cfg.Store == nil || cfg.Pool == nil || cfg.Handlers.HookCall == nil || cfg.Log == nil || cfg.Node == "" {
		return nil, errors.New("new supervisor: store, pool, handlers, log and node are required")
	}
	if cfg.Lease == 0 {
		cfg.Lease = 10 * time.Second
	}
	if cfg.Beat == 0 {
		cfg.Beat = 2 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Jitter == nil {
		cfg.Jitter = func() float64 { return 0.8 + 0.4*rand.Float64() } //nolint:gosec // spreads retries, guards nothing
	}
	return &Supervisor{cfg: cfg}, nil
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
	if s.cfg.Sweep > 0 {
		group.Go(func() error { return s.every(ctx, s.cfg.Sweep, "sweep", s.Sweep) })
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
	return s.cfg.Store.RenewLeases(ctx, s.lease())
}

func (s *Supervisor) lease() host.Lease {
	return host.Lease{Owner: s.cfg.Node, Until: s.cfg.Now().Add(s.cfg.Lease)}
}

// Work makes one attempt of a call and stores what it came to.
func (s *Supervisor) Work(ctx context.Context, job pool.Job) {
	call := job.Call
	log := s.cfg.Log.With("hook_call_id", call.ID, "run_id", call.RunID, "hook", call.Plugin+"."+call.Hook)
	if err := s.cfg.Store.StartHookCall(ctx, call.ID, call.Attempt, s.cfg.Now()); err != nil {
		log.Error("start hook call", "error", err)
	}
	done := s.attempt(ctx, job)
	if ctx.Err() != nil && done.Error != nil {
		s.Abandon(ctx, job)
		return
	}
	s.decide(&done)
	if done.Status != host.HookCallCompleted {
		log.Warn("hook call failed", "attempt", call.Attempt, "status", done.Status,
			"code", done.Error.Code, "error", done.Error.Message)
	}
	s.store(ctx, log, call.Attempt, done)
	if done.Status == host.HookCallQueued {
		s.cfg.Pool.Nudge() // its time has to be waited for
	}
}

// attempt calls the handler; a panic is a failed attempt.
func (s *Supervisor) attempt(ctx context.Context, job pool.Job) (done host.HookCall) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Log.Error("hook call panicked", "hook_call_id", job.Call.ID, "panic", v, "stack", string(debug.Stack()))
			done = failed(job.Call, "internal", "the host failed while it made the call")
		}
	}()
	snapshot := job.Snapshot
	if snapshot == nil {
		var err error
		if snapshot, err = s.cfg.Store.Snapshot(ctx, job.Call.SnapshotID); err != nil {
			s.cfg.Log.Error("read snapshot", "hook_call_id", job.Call.ID, "error", err)
			return failed(job.Call, "snapshot", "the stored context could not be read")
		}
	}
	return s.cfg.Handlers.HookCall(ctx, job.Call, snapshot)
}

func failed(call host.HookCall, code, message string) host.HookCall {
	call.Error = &host.HookError{Code: code, Message: message}
	return call
}

// decide turns what an attempt came to into the call's next state: completed,
// queued for another attempt, or dead.
func (s *Supervisor) decide(call *host.HookCall) {
	now := s.cfg.Now()
	call.Owner, call.LeaseUntil, call.NextAttemptAt = "", time.Time{}, time.Time{}
	switch {
	case call.Error == nil:
		call.Status, call.FinishedAt = host.HookCallCompleted, now
	case call.Attempt >= call.MaxAttempts:
		call.Status, call.FinishedAt = host.HookCallDead, now
	default:
		call.Status, call.FinishedAt = host.HookCallQueued, time.Time{}
		call.NextAttemptAt = now.Add(s.backoff(call))
		call.Attempt++
	}
}

// backoff is initial × 5^(attempt−1), at most max, with jitter.
func (s *Supervisor) backoff(call *host.HookCall) time.Duration {
	initial, most := time.Duration(call.Spec.Retry.Initial), time.Duration(call.Spec.Retry.Max)
	wait := initial
	for range call.Attempt - 1 {
		if wait >= most {
			break
		}
		wait *= 5
	}
	return time.Duration(float64(min(wait, most)) * s.cfg.Jitter())
}

// store writes the end of an attempt, and keeps trying while the store fails: a
// result that is not written would be worked for again.
func (s *Supervisor) store(ctx context.Context, log *slog.Logger, attempt int, call host.HookCall) {
	const first, most = 100 * time.Millisecond, 5 * time.Second
	write := context.WithoutCancel(ctx)
	for wait := first; ; wait = min(2*wait, most) {
		err := s.cfg.Store.FinishHookCall(write, attempt, call)
		if errors.Is(err, host.ErrStale) {
			log.Info("another attempt owns the hook call", "attempt", attempt)
			return
		}
		if err == nil {
			return
		}
		log.Error("finish hook call", "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// Abandon makes a call due again that this node will not finish.
func (s *Supervisor) Abandon(ctx context.Context, job pool.Job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.cfg.Store.ReleaseHookCall(ctx, job.Call.ID, job.Call.Attempt); err != nil && !errors.Is(err, host.ErrStale) {
		s.cfg.Log.Error("release hook call", "hook_call_id", job.Call.ID, "error", err)
	}
}
