package job

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// settleTimeout bounds a write that a stop does not cut off.
const settleTimeout = 5 * time.Second

// settle is the context of a write whose end must be known, also when ctx has
// ended: what it took would be held by nobody who works on it.
func settle(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
}

func (s *Supervisor) lease() host.Lease {
	return host.Lease{Owner: s.cfg.Node, Until: s.cfg.Now().Add(s.cfg.Lease)}
}

// attend shows this node to the others until ctx ends.
func (s *Supervisor) attend(ctx context.Context) error {
	for ctx.Err() == nil {
		s.try(ctx, "attend", func(ctx context.Context) error { return s.cfg.Store.Attend(ctx, s.cfg.Node) })
		sleep(ctx, s.cfg.Beat)
	}
	return nil
}

// renew extends what this node holds, and hears of cancels.
func (s *Supervisor) renew(ctx context.Context) error {
	lease := s.lease()
	cancelled, err := s.cfg.Store.RenewLeases(ctx, lease)
	if err != nil {
		return err
	}
	s.leased.Store(&lease.Until)
	if s.cfg.Handlers.Cancelled == nil {
		return nil
	}
	return s.cfg.Handlers.Cancelled(ctx, cancelled)
}

// Sweep takes over what a dead process left. It is to be called before the host
// accepts work.
func (s *Supervisor) Sweep(ctx context.Context) error {
	swept, err := s.cfg.Store.Sweep(ctx, s.cfg.Node, s.cfg.Now())
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	if swept != (host.Swept{}) {
		s.cfg.Log.Info("took over the work of a dead process", "runs", swept.Runs,
			"background_runs", swept.Requeued, "hook_calls", swept.Calls, "dead", swept.Dead)
	}
	if swept.Calls+swept.Requeued > 0 {
		s.Nudge() // they are due now
	}
	return nil
}

// sweepAlive sweeps unless this node's own leases are past: who slept too long
// wakes up first, and then judges others.
func (s *Supervisor) sweepAlive(ctx context.Context) error {
	if leased := s.leased.Load(); leased == nil || !s.cfg.Now().Before(*leased) {
		return nil
	}
	return s.Sweep(ctx)
}

// sleep ends after d, or with ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
