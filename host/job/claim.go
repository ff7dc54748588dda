package job

import (
	"context"
	"maps"
	"slices"
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

// claimOnce claims what there is room for, plugin by plugin so that a long queue
// of one keeps nobody waiting, and returns how long the next claim can wait.
func (s *Supervisor) claimOnce(ctx context.Context) (time.Duration, error) {
	due, err := s.cfg.Store.DueHookCalls(ctx)
	if err != nil {
		return claimPause, err
	}
	wait := claimPoll
	// The plugin that waits longest comes first to what room there is.
	for _, plugin := range slices.SortedFunc(maps.Keys(due), func(a, b string) int { return due[a].Compare(due[b]) }) {
		if err := ctx.Err(); err != nil {
			return claimPause, err
		}
		next, err := s.claimOf(ctx, plugin, due[plugin])
		if err != nil {
			return claimPause, err
		}
		wait = min(wait, next)
	}
	return wait, nil
}

// claimOf claims calls of one plugin, the first of which is due then, and returns
// how long its next claim can wait.
func (s *Supervisor) claimOf(ctx context.Context, plugin string, due time.Time) (time.Duration, error) {
	now := s.cfg.Now()
	if due = due.Add(s.cfg.Grace); due.After(now) {
		return max(claimFloor, due.Sub(now)), nil
	}
	allowed, wait := s.wards.open(plugin, claimBatch, now)
	if allowed == 0 {
		if wait == 0 {
			return claimPoll, nil // the end of the trial is told
		}
		return max(claimFloor, wait), nil
	}
	room := s.cfg.Pool.Reserve(plugin, allowed)
	if room == 0 {
		s.cfg.Pool.Want(plugin)
		return claimPoll, nil
	}
	claim, cancel := settle(ctx)
	defer cancel()
	calls, err := s.cfg.Store.ClaimHookCalls(claim, s.lease(), now.Add(-s.cfg.Grace), plugin, room)
	s.cfg.Pool.Return(plugin, room-len(calls))
	for _, call := range calls {
		// A trial begins here, or the next claim would take another call for one.
		s.wards.admit(plugin, call.ID, now)
		s.cfg.Pool.Submit(pool.Job{Call: call})
	}
	if err != nil || len(calls) == 0 {
		return claimFloor, err
	}
	return 0, nil // what it left is seen by looking again
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
