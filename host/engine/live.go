package engine

import (
	"context"
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

// enter adds a run, also one inside another. An earlier attempt of it has lost it;
// where an id is asked for twice the first stays, and the store refuses the second.
func (l *liveRuns) enter(x *execution) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.byID[x.run.ID]; old != nil {
		if old.run.RootID != x.run.RootID || old.run.Attempt >= x.run.Attempt {
			return
		}
		old.stop(fmt.Errorf("attempt %d began: %w", x.run.Attempt, host.ErrStale))
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

// inside are the ids of the runs inside others.
func (l *liveRuns) inside() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, x := range l.byID {
		if x.inside() {
			ids = append(ids, id)
		}
	}
	return ids
}

// cancel ends the run of that id, if it goes on here. It may be heard of more than
// once; asked is true for who asks for it. The hooks of agent_shutdown follow a
// cancel as they follow any end; one that comes while they run ends them too.
func (l *liveRuns) cancel(id string, asked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.byID[id]; x != nil && (asked || !x.cancelHeard) {
		x.cancelHeard = true
		x.stop(errCancelled)
	}
}

// setInterrupt keeps what ends the hooks of agent_shutdown; nil when they have run.
func (l *liveRuns) setInterrupt(x *execution, interrupt context.CancelFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x.interrupt, x.cancelHeard = interrupt, x.cancelHeard || x.run.Status == host.RunCancelled
}

// stop ends the run, and its hooks of agent_shutdown.
func (x *execution) stop(cause error) {
	x.cancel(cause)
	if x.interrupt != nil {
		x.interrupt()
	}
}
