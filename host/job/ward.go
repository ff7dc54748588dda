package job

import (
	"fmt"
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

// change is what an attempt did to its plugin's quarantine.
type change int

const (
	unchanged change = iota
	begun
	extended
	ended
)

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

// observe counts an attempt outside of a quarantine, and begins one when it is
// time.
func (p *ward) observe(failure string, now time.Time) change {
	failed := failure != ""
	p.sample[p.next], p.next = failed, (p.next+1)%quarantineSample
	p.taken = min(p.taken+1, quarantineSample)
	if !failed {
		p.streak = 0
		return unchanged
	}
	p.streak++
	switch failures := p.failures(); {
	case p.streak >= quarantineStreak:
		p.begin(p.streak, fmt.Sprintf("%d calls in a row failed, the last one: %s", p.streak, failure), now)
	case p.taken == quarantineSample && 2*failures >= quarantineSample:
		p.begin(failures, fmt.Sprintf("%d of the last %d calls failed, the last one: %s", failures, p.taken, failure), now)
	default:
		return unchanged
	}
	return begun
}

func (p *ward) begin(failures int, reason string, now time.Time) {
	p.quarantine = &host.Quarantine{Since: now, Failures: failures}
	p.confine(reason, now)
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
