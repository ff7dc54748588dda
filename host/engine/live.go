package engine

import (
	"fmt"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// liveRuns are the runs that go on in this process. It is safe for concurrent
// use.
type liveRuns struct {
	mu   sync.Mutex
	byID map[string]*execution
}

func newLiveRuns() *liveRuns { return &liveRuns{byID: map[string]*execution{}} }

// enter adds a run. An earlier attempt of it has lost it; where an id is asked
// for twice the first stays, and the store refuses the second.
func (l *liveRuns) enter(x *execution) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.byID[x.run.ID]; old != nil {
		if old.run.Attempt >= x.run.Attempt {
			return
		}
		old.cancel(fmt.Errorf("attempt %d began: %w", x.run.Attempt, host.ErrStale))
	}
	l.byID[x.run.ID] = x
}

func (l *liveRuns) leave(x *execution) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[x.run.ID] == x {
		delete(l.byID, x.run.ID)
	}
}

// cancel ends the run of that id, if it goes on here.
func (l *liveRuns) cancel(id string, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.byID[id]; x != nil {
		x.cancel(cause)
	}
}
