package engine

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// waitTurn returns when no earlier run of the session goes on: in this process,
// where the turnstile knows, or anywhere.
func (x *execution) waitTurn(ctx context.Context, p place) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	if x.run.Parallel || x.fresh { // nobody else knew the session
		return nil
	}
	if first, err := x.first(ctx); first || err != nil {
		return err
	}
	return x.bell.until(ctx, host.Signal{Kind: host.SignalSession, ID: x.run.SessionID}, func() (bool, error) {
		return x.first(ctx)
	})
}

// first reports whether the run is the first of those of its session that have
// not ended.
func (x *execution) first(ctx context.Context) (bool, error) {
	ahead, err := x.store.Ahead(ctx, x.run)
	if err != nil {
		return false, fmt.Errorf("look for earlier runs: %w", err)
	}
	return !ahead, nil
}
