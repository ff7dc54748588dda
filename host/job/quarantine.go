package job

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// A plugin goes into quarantine when quarantineStreak of its attempts failed one
// after another, or half of the last quarantineSample. The first quarantine
// lasts firstQuarantine; each one that its trial does not end lasts twice as
// long, up to lastQuarantine.
const (
	quarantineStreak = 5
	quarantineSample = 20
	firstQuarantine  = time.Second
	lastQuarantine   = 5 * time.Minute
)

// wards watches how the background calls of each plugin end, and holds back
// those of a plugin that keeps failing. It knows nothing of blocking calls: a
// check is never turned off. It is safe for concurrent use.
type wards struct {
	mu       sync.Mutex
	byPlugin map[string]*ward
}

// ward is what is remembered of one plugin.
type ward struct {
	streak int
	// sample holds whether the last attempts failed; next is the oldest of them.
	sample [quarantineSample]bool
	taken  int
	next   int

	// quarantine is nil while calls are made as they come.
	quarantine *host.Quarantine
	length     time.Duration
	// trial is the id of the call that was let through, "" for none.
	trial string
}

func newWards() *wards { return &wards{byPlugin: map[string]*ward{}} }

// admit reports whether a call may be made now. In a quarantine that is over
// for the moment the first call to ask is its trial.
func (w *wards) admit(plugin, callID string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	if p == nil || p.quarantine == nil || p.trial == callID {
		return true
	}
	if p.trial != "" || now.Before(p.quarantine.Until) {
		return false
	}
	p.trial = callID
	return true
}

// open returns how many of up to n calls of a plugin may be claimed: all, one to
// try, or none, and then how long to wait before asking again; 0 when nobody
// knows, since a trial goes on.
func (w *wards) open(plugin string, n int, now time.Time) (allowed int, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	switch {
	case p == nil || p.quarantine == nil:
		return n, 0
	case p.trial != "":
		return 0, 0
	case now.Before(p.quarantine.Until):
		return 0, p.quarantine.Until.Sub(now)
	}
	return min(n, 1), 0
}

// change is what an attempt did to its plugin's quarantine.
type change int

const (
	unchanged change = iota
	begun
	extended
	ended
)

// judge takes note of how an attempt ended; failure is "" for one that did not
// fail. In a quarantine only the trial counts.
func (w *wards) judge(plugin, callID, failure string, now time.Time) change {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	if p == nil {
		p = &ward{}
		w.byPlugin[plugin] = p
	}
	if p.quarantine == nil {
		return p.observe(failure, now)
	}
	if p.trial != callID {
		return unchanged
	}
	p.trial = ""
	if failure == "" {
		delete(w.byPlugin, plugin)
		return ended
	}
	p.quarantine.Failures++
	p.confine(fmt.Sprintf("the trial failed: %s", failure), now)
	return extended
}

// observe counts an attempt outside of a quarantine, and begins one when it is
// time.
func (p *ward) observe(failure string, now time.Time) change {
	failed := failure != ""
	p.sample[p.next], p.next = failed, (p.next+1)%quarantineSample
	p.taken = min(p.taken+1, quarantineSample)
	if !failed {
		p.streak = 0
	} else {
		p.streak++
	}
	failures := p.failures()
	var reason string
	switch {
	case !failed:
		return unchanged
	case p.streak >= quarantineStreak:
		failures = p.streak
		reason = fmt.Sprintf("%d calls in a row failed, the last one: %s", p.streak, failure)
	case p.taken == quarantineSample && 2*failures >= quarantineSample:
		reason = fmt.Sprintf("%d of the last %d calls failed, the last one: %s", failures, quarantineSample, failure)
	default:
		return unchanged
	}
	p.quarantine = &host.Quarantine{Since: now, Failures: failures}
	p.confine(reason, now)
	return begun
}

func (p *ward) failures() int {
	n := 0
	for _, failed := range p.sample {
		if failed {
			n++
		}
	}
	return n
}

// confine lets the quarantine last, longer than the time before.
func (p *ward) confine(reason string, now time.Time) {
	p.length = min(max(firstQuarantine, 2*p.length), lastQuarantine)
	p.quarantine.Until, p.quarantine.Reason = now.Add(p.length), reason
}

// withdraw forgets a trial that was not made to its end.
func (w *wards) withdraw(plugin, callID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.byPlugin[plugin]; p != nil && p.trial == callID {
		p.trial = ""
	}
}

// get returns the quarantine of a plugin, or nil.
func (w *wards) get(plugin string) *host.Quarantine {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	if p == nil || p.quarantine == nil {
		return nil
	}
	q := *p.quarantine
	return &q
}

// names returns the plugins in quarantine, sorted.
func (w *wards) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for plugin, p := range w.byPlugin {
		if p.quarantine != nil {
			names = append(names, plugin)
		}
	}
	slices.Sort(names)
	return names
}

// forget lets a plugin begin anew, and reports whether it was in quarantine.
func (w *wards) forget(plugin string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	delete(w.byPlugin, plugin)
	return p != nil && p.quarantine != nil
}
