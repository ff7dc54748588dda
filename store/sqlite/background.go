package sqlite

import (
	"context"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

func (s *Store) ClaimRuns(context.Context, host.Lease, time.Time, int) ([]host.RunWork, error) {
	return nil, errNotNow
}

func (s *Store) ClaimRun(context.Context, host.Lease, time.Time, string) (host.RunWork, bool, error) {
	return host.RunWork{}, false, errNotNow
}

func (s *Store) ReleaseRun(context.Context, string, int) error { return errNotNow }

func (s *Store) SaveCheckpoint(context.Context, host.Checkpoint) error { return errNotNow }

func (s *Store) CancelRun(context.Context, string, time.Time) error { return errNotNow }

func (s *Store) Ahead(context.Context, host.Run) (bool, error) { return false, nil }

func (s *Store) AppendEvents(context.Context, string, int, []host.RunEvent) error { return errNotNow }

func (s *Store) RunEvents(context.Context, string, int, int) ([]host.RunEvent, error) {
	return nil, errNotNow
}

func (s *Store) NextEvent(context.Context, string) (int, error) { return 0, nil }

func (s *Store) Listen(ctx context.Context, _ func(host.Signal)) error { <-ctx.Done(); return nil }

func (s *Store) Attend(ctx context.Context, _ string) error { <-ctx.Done(); return nil }

func (s *Store) Revision(context.Context) (int64, error) { return 0, nil }

func (s *Store) ClaimHookCall(context.Context, host.Lease, time.Time, string) (host.HookCall, bool, error) {
	return host.HookCall{}, false, errNotNow
}
