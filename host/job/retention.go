package job

import (
	"context"
	"errors"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	// forgetEvery is the time between two looks for what is old.
	forgetEvery = time.Minute
	// eventsKept is how long the stream of a run that ended can be resumed.
	eventsKept = 30 * time.Minute
)

// Retention is how long things are kept after they ended; 0 for ever.
type Retention struct {
	// Runs go with their hook calls.
	Runs      time.Duration
	HookCalls time.Duration
	// Logs are what the guests of hook calls logged.
	Logs time.Duration
}

func (r Retention) validate() error {
	if min(r.Runs, r.HookCalls, r.Logs) < 0 {
		return errors.New("retention must not be negative")
	}
	return nil
}

// before says what is old at a time.
func (r Retention) before(now time.Time) host.Retention {
	ago := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	return host.Retention{Runs: ago(r.Runs), HookCalls: ago(r.HookCalls), Logs: ago(r.Logs), Events: ago(eventsKept)}
}

// forget deletes what is old, now and again and again until ctx ends.
func (s *Supervisor) forget(ctx context.Context) error {
	s.try(ctx, "forget what is old", s.expire)
	return s.every(ctx, forgetEvery, "forget what is old", s.expire)
}

func (s *Supervisor) expire(ctx context.Context) error {
	gone, err := s.cfg.Store.Expire(ctx, s.cfg.Retention.before(s.cfg.Now()))
	if gone != (host.Expired{}) {
		s.cfg.Log.Info("forgot what is old", "runs", gone.Runs, "hook_calls", gone.HookCalls, "logs", gone.Logs)
	}
	return err
}
