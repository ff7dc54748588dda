package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// storageFailure is the failure of a run whose end the store did not take.
func storageFailure() *host.Failure {
	return &host.Failure{Type: "storage_error", Message: "The run could not be stored."}
}

// maxUnstored bounds what is kept while the store takes nothing; the rows of the
// rest are ended when the host starts again.
const maxUnstored = 10_000

// unstored holds what the store was to take and did not, as far as is known:
// nobody else takes over the rows of a living node. It is safe for concurrent use.
type unstored struct {
	mu sync.Mutex
	// ends are those of runs whose rows say RUNNING, by run.
	ends map[string]host.Finish
	// calls were leased to this node, and not handed to its pool, in a transaction
	// that may have been committed.
	calls map[string]struct{}
}

func newUnstored() *unstored {
	return &unstored{ends: map[string]host.Finish{}, calls: map[string]struct{}{}}
}

// bareEnd is the end of a run that could not be stored whole: that it ended, not
// what it answered.
func (x *execution) bareEnd() host.Finish {
	run := x.run
	run.FinishedAt = x.now()
	run.Messages, run.Tools, run.Steps, run.Metadata, run.SessionState = nil, nil, nil, nil, nil
	return host.Finish{Run: run, Events: x.lastEvents()}
}

// addEnd keeps what may be stored of a run when the store recovers.
func (u *unstored) addEnd(end host.Finish) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.ends) < maxUnstored {
		u.ends[end.Run.ID] = end
	}
}

func (u *unstored) addCall(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.calls) < maxUnstored {
		u.calls[id] = struct{}{}
	}
}

func (u *unstored) list() (ends []host.Finish, calls []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Collect(maps.Values(u.ends)), slices.Collect(maps.Keys(u.calls))
}

// remove forgets the end of a run, or a call, of that id.
func (u *unstored) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.ends, id)
	delete(u.calls, id)
}

// Repair ends, as ERROR, the runs whose end the store did not take, and makes
// calls due that it may have taken unnoticed. It is to be called again and again;
// it fails while the store does.
func (e *Engine) Repair(ctx context.Context) error {
	ends, calls := e.unstored.list()
	for _, end := range ends {
		err := e.store.FinishRun(ctx, end)
		if errors.Is(err, host.ErrCancelled) {
			end.Run.Status, end.Run.Failure = host.RunCancelled, nil
			err = e.store.FinishRun(ctx, end)
		}
		if err != nil && !settled(err) {
			return fmt.Errorf("repair run %s: %w", end.Run.ID, err)
		}
		e.unstored.remove(end.Run.ID)
		e.log.Info("ended a run the store had not taken", "run_id", end.Run.ID)
	}
	for _, id := range calls {
		if err := e.store.ReleaseHookCall(ctx, id, 1); err != nil && !settled(err) {
			return fmt.Errorf("repair hook call %s: %w", id, err)
		}
		e.unstored.remove(id)
	}
	return nil
}

// settled reports whether a write failed since there is nothing to write any
// more: the row is final, or was never stored.
func settled(err error) bool {
	return errors.Is(err, host.ErrStale) || host.CodeOf(err) == host.CodeNotFound
}
