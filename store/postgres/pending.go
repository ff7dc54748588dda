package postgres

import (
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// pendingRuns holds the runs that were created lazily and are not in the database
// yet, so that they can be read. It is safe for concurrent use.
type pendingRuns struct {
	mu   sync.RWMutex
	byID map[string]host.Run
	// bySession counts them.
	bySession map[string]int
}

func newPendingRuns() *pendingRuns {
	return &pendingRuns{byID: map[string]host.Run{}, bySession: map[string]int{}}
}

// add keeps a run, and returns false when one with its id is pending.
func (p *pendingRuns) add(run host.Run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.byID[run.ID]; ok {
		return false
	}
	p.byID[run.ID] = run
	p.bySession[run.SessionID]++
	return true
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
	run, ok := p.byID[id]
	if !ok {
		return
	}
	delete(p.byID, id)
	if p.bySession[run.SessionID]--; p.bySession[run.SessionID] == 0 {
		delete(p.bySession, run.SessionID)
	}
}

// beside reports whether another run of the same session is pending.
func (p *pendingRuns) beside(run *host.Run) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	others := p.bySession[run.SessionID]
	if _, ok := p.byID[run.ID]; ok {
		others--
	}
	return others > 0
}
