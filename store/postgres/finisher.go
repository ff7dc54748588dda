package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// finishDelay is how long the end of a hook call waits for company: a transaction
	// of many costs half of many transactions.
	finishDelay = time.Millisecond
	// maxFinishers is how many transactions end hook calls at once. One alone falls
	// behind the runs that make the calls.
	maxFinishers = 4
	// maxFinished bounds the calls of one transaction.
	maxFinished = 64
)

// callFinish stores the final state of a call.
type callFinish struct {
	row     hookCallRow
	attempt int
	done    chan error
	err     error
}

// finisher stores the ends of hook calls. It is safe for concurrent use.
type finisher struct {
	pool *pgxpool.Pool

	mu        sync.Mutex
	waiting   []*callFinish
	gathering bool // a worker is about to take what is waiting
	active    int  // how many workers there are
	closed    bool
	workers   sync.WaitGroup
}

// finish stores the end of a call. When ctx ends first it may still be stored.
func (f *finisher) finish(ctx context.Context, call *callFinish) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	call.done = make(chan error, 1)
	if err := f.put(call); err != nil {
		return err
	}
	select {
	case err := <-call.done:
		return explained(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *finisher) put(call *callFinish) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errClosed
	}
	f.waiting = append(f.waiting, call)
	if !f.gathering && f.active < maxFinishers {
		f.gathering = true
		f.active++
		f.workers.Go(f.work)
	}
	return nil
}

// stop waits for what was handed in.
func (f *finisher) stop() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.workers.Wait()
}

// work stores what gathers, until nothing has gathered meanwhile.
func (f *finisher) work() {
	<-time.After(finishDelay)
	f.gathered()
	for calls := f.take(); len(calls) > 0; calls = f.take() {
		f.write(calls)
		for _, call := range calls {
			call.done <- call.err
		}
	}
}

func (f *finisher) gathered() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gathering = false
}

// take returns the next batch, each call once; the worker ends when there is none.
func (f *finisher) take() []*callFinish {
	f.mu.Lock()
	defer f.mu.Unlock()
	var batch, left []*callFinish
	ids := map[string]bool{}
	for _, call := range f.waiting {
		if id := call.row.call.ID; len(batch) < maxFinished && !ids[id] {
			ids[id], batch = true, append(batch, call)
			continue
		}
		left = append(left, call)
	}
	if f.waiting = left; len(batch) == 0 {
		f.active--
	}
	return batch
}

// write stores calls in one transaction. When it fails for what is in it, each call
// gets one, so that the bad one fails alone.
func (f *finisher) write(calls []*callFinish) {
	ctx, cancel := bounded(context.Background())
	defer cancel()
	err := f.send(ctx, calls)
	alone := err != nil && !unreachable(err) && len(calls) > 1
	for i, call := range calls {
		if alone {
			err = f.send(ctx, calls[i:i+1])
		}
		if err != nil {
			call.err = err
		}
	}
}

func (f *finisher) send(ctx context.Context, calls []*callFinish) error {
	var rows finishedCalls
	var snapshots []string
	for _, call := range calls {
		rows.add(call)
		if id := call.row.call.SnapshotID; id != "" && !slices.Contains(snapshots, id) {
			snapshots = append(snapshots, id)
		}
	}
	found := map[string]bool{}
	b := &pgx.Batch{}
	if len(snapshots) > 0 {
		b.Queue(holdSnapshotsQuery, snapshots)
	}
	b.Queue(finishCallsQuery, rows.args()...).Query(collectInto(found))
	if len(snapshots) > 0 {
		b.Queue(dropSnapshotsQuery, snapshots)
	}
	if err := f.pool.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	for _, call := range calls {
		if !found[call.row.call.ID] {
			call.err = missingHookCall(ctx, f.pool, call.row.call.ID)
		}
	}
	return nil
}
