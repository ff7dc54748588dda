package engine

import (
	"context"
	"errors"
	"fmt"
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

// unstored holds the runs whose end could not be written: their rows say
// RUNNING, and the lease of a living node is never taken over.
type unstored struct {
	mu   sync.Mutex
	runs map[string]host.Run
}

// bare is what is stored of a run that could not be stored whole: that it ended,
// not what it answered.
func bare(run host.Run) host.Run {
	run.Messages, run.Metadata, run.SessionState = nil, nil, nil
	return run
}

// add keeps what may be stored of the run when the store recovers.
func (u *unstored) add(run host.Run) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.runs) < maxUnstored {
		u.runs[run.ID] = bare(run)
	}
}

func (u *unstored) list() []host.Run {
	u.mu.Lock()
	defer u.mu.Unlock()
	runs := make([]host.Run, 0, len(u.runs))
	for _, run := range u.runs {
		runs = append(runs, run)
	}
	return runs
}

func (u *unstored) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.runs, id)
}

// Repair ends, as ERROR, the runs whose end the store did not take. It is to be
// called again and again; it fails while the store does.
func (e *Engine) Repair(ctx context.Context) error {
	for _, run := range e.unstored.list() {
		err := e.store.FinishRun(ctx, host.Finish{Run: run})
		if errors.Is(err, host.ErrCancelled) {
			run.Status, run.Failure = host.RunCancelled, nil
			err = e.store.FinishRun(ctx, host.Finish{Run: run})
		}
		if err != nil && !errors.Is(err, host.ErrStale) { // stale: it was committed after all
			return fmt.Errorf("repair run %s: %w", run.ID, err)
		}
		e.unstored.remove(run.ID)
		e.log.Info("ended a run the store had not taken", "run_id", run.ID)
	}
	return nil
}
