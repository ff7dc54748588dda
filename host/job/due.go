package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host/job/pool"
)

const (
	// clockSkew is how far apart the clocks of nodes may be: who is told that a row
	// is due believes it that much earlier.
	clockSkew = time.Second
	// duePause is how long a call is put off that cannot be made here now.
	duePause = 100 * time.Millisecond
)

// dueRun is a run this node was told of.
type dueRun struct {
	id string
	// done has room for the answer: who asked may have left.
	done chan error
}

// DueRun carries out a run that somebody said is due, as soon as one of the run
// workers is free, and returns when it is over; there is nothing to do when the
// run cannot be claimed. When ctx ends the run goes on without the caller. An
// error is one of claiming: the run was not begun.
func (s *Supervisor) DueRun(ctx context.Context, id string) error {
	run := dueRun{id: id, done: make(chan error, 1)}
	select {
	case s.due <- run:
	case <-s.stopped:
		return errors.New("due run: the host stops")
	case <-ctx.Done():
		return fmt.Errorf("due run: %w", ctx.Err())
	}
	select {
	case err := <-run.done:
		return err
	case <-ctx.Done():
		return nil
	}
}

// DueHookCall hands a call of the plugin that somebody said is due to the pool and
// returns; there is nothing to do when it cannot be claimed. It returns how long
// to put the call off when the plugin is in quarantine, the pool is full, or this
// node claims nothing any more. An
// error is one of claiming: the call was not begun.
func (s *Supervisor) DueHookCall(ctx context.Context, id, plugin string) (putOff time.Duration, err error) {
	if !s.claims() || s.cfg.Pool.Reserve(plugin, 1) == 0 {
		return s.soon(), nil
	}
	now := s.cfg.Now()
	if !s.wards.admit(plugin, id, now) {
		s.cfg.Pool.Return(plugin, 1)
		_, wait := s.wards.open(plugin, 1, now)
		return wait + s.soon(), nil
	}
	claim, cancel := settle(ctx)
	defer cancel()
	call, claimed, err := s.cfg.Store.ClaimHookCall(claim, s.lease(), now.Add(clockSkew), id)
	if claimed {
		s.cfg.Pool.Submit(pool.Job{Call: call, Snapshot: call.Snapshot})
		return 0, nil
	}
	s.cfg.Pool.Return(plugin, 1)
	if s.wards.withdraw(plugin, id) {
		s.cfg.Pool.Nudge() // the trial is another's
	}
	if err != nil {
		return 0, fmt.Errorf("claim hook call: %w", err)
	}
	return 0, nil
}

func (s *Supervisor) soon() time.Duration { return time.Duration(float64(duePause) * s.cfg.Jitter()) }
