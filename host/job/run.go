package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

const (
	// runPoll bounds how long a due run waits when no signal told of it.
	runPoll = time.Second
	// runPause is how long a run that could not be carried on is kept before it is
	// given back: whoever takes it next would fail as soon.
	runPause = time.Second
	// anyClock is further than a clock is wrong: no background run is to wait for its
	// time, so one whose time has not come had it from a clock that was set back, or
	// is another's.
	anyClock = 365 * 24 * time.Hour
)

// crew counts the workers of background runs.
type crew struct {
	workers sync.WaitGroup
	free    int
	// freed is sent to by a worker that is done; it never blocks.
	freed chan struct{}
}

// do has a free worker act.
func (c *crew) do(act func()) {
	c.free--
	c.workers.Go(func() {
		defer func() { c.freed <- struct{}{} }()
		act()
	})
}

// workRuns carries out background runs until ctx ends; then it takes no more,
// lets those it has go on for at most Drain, and cancels the rest. It returns when
// every worker has.
func (s *Supervisor) workRuns(ctx context.Context) error {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	c := &crew{free: s.cfg.RunWorkers, freed: make(chan struct{}, s.cfg.RunWorkers)}
	if s.cfg.Handlers.Run != nil {
		s.takeRuns(ctx, work, c)
	}
	close(s.stopped)
	drain := time.AfterFunc(s.cfg.Drain, func() { cancel(pool.ErrStopped) })
	defer drain.Stop()
	c.workers.Wait()
	return nil
}

// takeRuns gives free workers the runs this node is told of, and those it finds,
// until ctx ends.
func (s *Supervisor) takeRuns(ctx, work context.Context, c *crew) {
	look := time.NewTimer(0)
	defer look.Stop()
	for ctx.Err() == nil {
		due := s.due
		if c.free == 0 {
			due = nil
		}
		select {
		case <-ctx.Done():
			return
		case run := <-due:
			c.do(func() { run.done <- s.claimRun(work, run.id) })
		case <-c.freed:
			c.free++
			if s.cfg.Grace == 0 {
				look.Reset(0) // the next one may have waited for this one
			}
		case <-s.wakeRuns:
			look.Reset(0)
		case <-look.C:
			look.Reset(s.claimRuns(work, c))
		}
	}
}

// claimRuns takes the runs there are workers for, and returns how long the next
// look can wait.
func (s *Supervisor) claimRuns(ctx context.Context, c *crew) time.Duration {
	if c.free == 0 {
		return runPoll
	}
	claim, cancel := settle(ctx)
	defer cancel()
	works, err := s.cfg.Store.ClaimRuns(claim, s.lease(), s.runsDue(), c.free)
	if err != nil {
		s.cfg.Log.Error("claim runs", "error", err)
	}
	for _, work := range works {
		c.do(func() { s.carryOut(ctx, work) })
	}
	return runPoll
}

// runsDue is until when runs must be due for this node to look for them.
func (s *Supervisor) runsDue() time.Time {
	if s.cfg.Grace == 0 {
		return s.cfg.Now().Add(anyClock)
	}
	return s.cfg.Now().Add(-s.cfg.Grace)
}

// claimRun carries out one run if nobody has it.
func (s *Supervisor) claimRun(ctx context.Context, id string) error {
	claim, cancel := settle(ctx)
	work, claimed, err := s.cfg.Store.ClaimRun(claim, s.lease(), s.cfg.Now().Add(anyClock), id)
	cancel()
	if err != nil {
		return fmt.Errorf("claim run: %w", err)
	}
	if claimed {
		s.carryOut(ctx, work)
	}
	return nil
}

// carryOut carries out a run this node holds, and gives it back if it has to.
func (s *Supervisor) carryOut(ctx context.Context, work host.RunWork) {
	log := s.cfg.Log.With("run_id", work.Run.ID, "session_id", work.Run.SessionID, "attempt", work.Run.Attempt)
	err := s.attemptRun(ctx, log, work)
	if err == nil {
		return
	}
	if ctx.Err() != nil {
		log.Info("give back a background run: the host stops")
	} else {
		log.Error("background run", "error", err)
		sleep(ctx, runPause)
	}
	s.releaseRun(ctx, log, work.Run)
}

// attemptRun calls the handler; a worker outlives its panic.
func (s *Supervisor) attemptRun(ctx context.Context, log *slog.Logger, work host.RunWork) (err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("background run panicked", "panic", v, "stack", string(debug.Stack()))
			err = errors.New("the host failed while it carried out the run")
		}
	}()
	return s.cfg.Handlers.Run(ctx, work)
}

// releaseRun gives a run back, and keeps trying while the store fails: this node
// would keep the lease of a run nobody works on.
func (s *Supervisor) releaseRun(ctx context.Context, log *slog.Logger, run host.Run) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := s.tryReleaseRun(ctx, run)
		if err == nil || errors.Is(err, host.ErrStale) || host.CodeOf(err) == host.CodeNotFound {
			return
		}
		log.Error("release run", "error", err)
		if ctx.Err() != nil {
			return // its lease ends
		}
		sleep(ctx, pause)
	}
}

func (s *Supervisor) tryReleaseRun(ctx context.Context, run host.Run) error {
	write, cancel := settle(ctx)
	defer cancel()
	return s.cfg.Store.ReleaseRun(write, run.ID, run.Attempt)
}
