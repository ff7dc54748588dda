package job

import (
	"context"

	"github.com/snaphook-dev/snaphook/host"
)

// Retry makes a dead call due now, with its full number of attempts. It is
// CodeConflict when the call is not dead, or its context is gone.
func (s *Supervisor) Retry(ctx context.Context, id string) (host.HookCall, error) {
	call, err := s.cfg.Store.RetryHookCall(ctx, id, s.cfg.Now())
	if err != nil {
		return host.HookCall{}, err
	}
	s.cfg.Pool.Nudge()
	return call, nil
}

// RetryAll makes up to limit of the dead calls that the filter chooses due now
// and returns how many, also with an error.
func (s *Supervisor) RetryAll(ctx context.Context, filter host.HookCallFilter, limit int) (int, error) {
	n, err := s.cfg.Store.RetryHookCalls(ctx, filter, s.cfg.Now(), limit)
	if n > 0 {
		s.cfg.Pool.Nudge()
	}
	return n, err
}
