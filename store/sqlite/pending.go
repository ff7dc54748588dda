package sqlite

import (
	"slices"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// pendingRuns holds the runs that were created lazily and are not in the
// database yet, so that they can be read. It is safe for concurrent use.
type pendingRuns struct {
	mu   sync.RWMutex
	byID map[string]host.Run
	// held counts by session who keeps runs out of it; freed is told when one is
	// done.
	held  map[string]int
	freed *sync.Cond
}

func newPendingRuns() *pendingRuns {
	p := &pendingRuns{byID: map[string]host.Run{}, held: map[string]int{}}
	p.freed = sync.NewCond(&p.mu)
	return p
}

// add keeps a run, and returns false when one with its id is pending. It waits
// while its session is held.
func (p *pendingRuns) add(run host.Run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held[run.SessionID] > 0 {
		p.freed.Wait()
	}
	if _, ok := p.byID[run.ID]; ok {
		return false
	}
	p.byID[run.ID] = run
	return true
}

// hold keeps runs out of sessions until release, or returns one that is pending
// in them already.
func (p *pendingRuns) hold(sessionIDs []string) (release func(), busy *host.Run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, run := range p.byID {
		if slices.Contains(sessionIDs, run.SessionID) {
			return nil, &run
		}
	}
	for _, id := range sessionIDs {
		p.held[id]++
	}
	return func() { p.release(sessionIDs) }, nil
}

func (p *pendingRuns) release(sessionIDs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range sessionIDs {
		if p.held[id]--; p.held[id] == 0 {
			delete(p.held, id)
		}
	}
	p.freed.Broadcast()
}

func (p *pendingRuns) get(id string) (host.Run, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	run, ok := p.byID[id]
	return run, ok
}

func (p *pendingRuns) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byID, id)
}
