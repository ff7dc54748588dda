package sqlite

import (
	"slices"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// pendingRuns holds the runs whose creation is not committed yet, and gives each
// its place in the order of creation. It is safe for concurrent use.
type pendingRuns struct {
	mu      sync.RWMutex
	last    int64 // the place given last
	byPlace map[int64]*host.Run
	// byID finds the runs that were created lazily, which can be read.
	byID map[string]int64
	// held counts by session who keeps runs out of it; freed is told when one is
	// done.
	held  map[string]int
	freed *sync.Cond
}

// newPendingRuns continues behind the last place taken.
func newPendingRuns(last int64) *pendingRuns {
	p := &pendingRuns{last: last, byPlace: map[int64]*host.Run{}, byID: map[string]int64{}, held: map[string]int{}}
	p.freed = sync.NewCond(&p.mu)
	return p
}

// add keeps a run and returns its place. It waits while its session is held. A
// run that is to be read must not have the id of another such: then it is false.
func (p *pendingRuns) add(run host.Run, readable bool) (place int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held[run.SessionID] > 0 {
		p.freed.Wait()
	}
	if _, taken := p.byID[run.ID]; taken && readable {
		return 0, false
	}
	p.last++
	p.byPlace[p.last] = &run
	if readable {
		p.byID[run.ID] = p.last
	}
	return p.last, true
}

// hold keeps runs out of sessions until release, or returns one that is pending
// in them already.
func (p *pendingRuns) hold(sessionIDs []string) (release func(), busy *host.Run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, run := range p.byPlace {
		if slices.Contains(sessionIDs, run.SessionID) {
			return nil, run
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

// get returns a run that can be read, and its place.
func (p *pendingRuns) get(id string) (run host.Run, place int64, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if place, ok = p.byID[id]; ok {
		run = *p.byPlace[place]
	}
	return run, place, ok
}

// remove forgets the run at a place.
func (p *pendingRuns) remove(place int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if run := p.byPlace[place]; run != nil && p.byID[run.ID] == place {
		delete(p.byID, run.ID)
	}
	delete(p.byPlace, place)
}

// firsts returns, by session, the first place of a run that others wait for.
func (p *pendingRuns) firsts() map[string]int64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	firsts := make(map[string]int64, len(p.byPlace))
	for place, run := range p.byPlace {
		if run.Parallel {
			continue
		}
		if first, ok := firsts[run.SessionID]; !ok || place < first {
			firsts[run.SessionID] = place
		}
	}
	return firsts
}
