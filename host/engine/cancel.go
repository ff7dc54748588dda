package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// errCancelled is the cause of a run's end that somebody asked for.
var errCancelled = errors.New("the run was cancelled on request")

// Cancel ends a run on whichever node it is. A run that has not stored its end
// when Cancel returns ends CANCELLED; one that nobody works for has ended by
// then, without a hook having been called. A run that is final, or that nobody
// knows, is no error. A run inside another one ends alone, with what is inside it; the
// run around it goes on. While its tree is without a worker the cancel is kept for an
// hour. Hooks of agent_shutdown that run in this process by then are
// ended, also when they follow an earlier cancel.
func (e *Engine) Cancel(ctx context.Context, id string) error {
	e.live.cancel(id, true)
	client := ctx
	ctx = context.WithoutCancel(ctx) // half a cancel is none
	if err := e.store.CancelRun(ctx, id, e.now()); err != nil {
		return fmt.Errorf("cancel run: %w", err)
	}
	// Nothing is to be waited for; the clock that made the run due may be another's.
	work, held, err := e.store.ClaimRun(ctx, e.leaseNow(), e.now().Add(time.Hour), id)
	if err != nil && host.CodeOf(err) != host.CodeNotFound {
		return fmt.Errorf("claim cancelled run: %w", err)
	}
	if !held {
		return nil
	}
	if err := e.Work(client, work); err != nil {
		return errors.Join(err, e.store.ReleaseRun(ctx, id, work.Run.Attempt))
	}
	return nil
}

// Cancelled ends those of the runs that go on in this process, and the runs inside
// others for which the store keeps a cancel: somebody asked for it on another node.
func (e *Engine) Cancelled(ctx context.Context, ids []string) error {
	inside := e.live.inside()
	var kept []string
	var err error
	if len(inside) > 0 {
		kept, err = e.store.KeptCancels(ctx, inside)
	}
	for _, id := range slices.Concat(ids, kept) {
		e.live.cancel(id, false)
	}
	return err
}

// Receive acts on a signal and returns at once.
func (e *Engine) Receive(signal host.Signal) {
	if signal.Kind == host.SignalCancel {
		e.live.cancel(signal.ID, false)
	}
	e.bell.ring(signal)
}
