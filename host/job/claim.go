package job

import (
	"context"
	"time"

	"github.com/snaphook-dev/snaphook/host/job/pool"
)

const (
	// claimBatch bounds one claim.
	claimBatch = 64
	// claimPoll bounds how long a due call waits when no signal told of it.
	claimPoll = 5 * time.Second
	// claimPause follows a claim that failed.
	claimPause = time.Second
	// claimFloor keeps a store that shows as due what it does not lease from
	// being asked in a spin.
	claimFloor = time.Millisecond
)

// claim takes due calls into the pool while there is room, until ctx ends.
func (s *Supervisor) claim(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := s.claimOnce(ctx)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("claim hook calls", "error", err)
		}
		s.pause(ctx, wait)
	}
	return nil
}

// claimOnce claims what there is room for and returns how long the next claim
// can wait.
func (s *Supervisor) claimOnce(ctx context.Context) (time.Duration, error) {
	room := s.cfg.Pool.Reserve(claimBatch)
	if room == 0 {
		s.cfg.Pool.Want()
		return claimPoll, nil
	}
	calls, err := s.cfg.Store.ClaimHookCalls(ctx, s.lease(), s.cfg.Now(), room)
	s.cfg.Pool.Return(room - len(calls))
	for _, call := range calls {
		s.cfg.Pool.Submit(pool.Job{Call: call})
	}
	switch {
	case err != nil:
		return claimPause, err
	case len(calls) == room:
		return 0, nil
	}
	return s.untilDue(ctx)
}

// untilDue is how long the next call can wait.
func (s *Supervisor) untilDue(ctx context.Context) (time.Duration, error) {
	at, ok, err := s.cfg.Store.NextDue(ctx)
	switch {
	case err != nil:
		return claimPause, err
	case !ok:
		return claimPoll, nil
	}
	return max(claimFloor, min(claimPoll, at.Sub(s.cfg.Now()))), nil
}

// pause ends after d, when the pool asks for work, or with ctx.
func (s *Supervisor) pause(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.cfg.Pool.Wake():
	case <-timer.C:
	}
}
