package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	// journalPause is how long events gather after a batch was stored.
	journalPause = 50 * time.Millisecond
	// journalRetry is how long they do after a batch was not.
	journalRetry = 500 * time.Millisecond
)

// journal stores the events of a background run while it goes on, in order. One
// goroutine adds, another one writes.
type journal struct {
	store   host.EventStore
	runID   string
	attempt int
	// resumed is true where an earlier worker has stored events.
	resumed bool
	// lost is told when the run is another attempt's.
	lost func(error)
	log  *slog.Logger

	added chan struct{}
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once

	mu       sync.Mutex
	unstored []host.RunEvent
	next     int
}

// openJournal begins to write; it is to be closed.
func (x *execution) openJournal(ctx context.Context, next int) *journal {
	j := &journal{
		store: x.store, runID: x.run.ID, attempt: x.run.Attempt, lost: x.cancel, log: x.log, next: next, resumed: next > 0,
		added: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go j.write(context.WithoutCancel(ctx))
	return j
}

// add takes an event into the next batch.
func (j *journal) add(event host.RunEvent) {
	j.mu.Lock()
	event.Index = j.next
	j.next++
	j.unstored = append(j.unstored, event)
	j.mu.Unlock()
	j.tell()
}

func (j *journal) tell() {
	select {
	case j.added <- struct{}{}:
	default:
	}
}

// write stores what is added until the journal is closed: at once when there was
// nothing for a while. What the store does not take is offered again; an event
// that it took unnoticed is not stored twice.
func (j *journal) write(ctx context.Context) {
	defer close(j.done)
	for {
		select {
		case <-j.added:
		case <-j.quit:
			return
		}
		pause := journalPause
		if err := j.flush(ctx); errors.Is(err, host.ErrStale) {
			j.lost(err)
			return
		} else if err != nil {
			j.log.Error("append events", "run_id", j.runID, "error", err)
			j.tell()
			pause = journalRetry
		}
		select {
		case <-time.After(pause):
		case <-j.quit:
			return
		}
	}
}

// flush stores what there is.
func (j *journal) flush(ctx context.Context) error {
	j.mu.Lock()
	batch := j.unstored
	j.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	if err := j.store.AppendEvents(ctx, j.runID, j.attempt, batch); err != nil {
		return err
	}
	j.drop(len(batch))
	return nil
}

// drop forgets the first n events.
func (j *journal) drop(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unstored = j.unstored[n:]
}

// close ends the writing and returns what was not stored, and the index that
// follows it. Nothing may be added afterwards.
func (j *journal) close() (rest []host.RunEvent, next int) {
	j.once.Do(func() { close(j.quit) })
	<-j.done
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.unstored, j.next
}
