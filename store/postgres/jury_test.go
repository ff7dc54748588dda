package postgres

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestJury follows what one node sees of another, sweep by sweep.
func TestJury(t *testing.T) {
	t.Parallel()
	lease := time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)
	alive := peer{id: "b", expiresAt: lease, attended: true, present: true}
	absent, expired, gone, renewed, unattended := alive, alive, alive, alive, alive
	absent.present = false
	expired.expired = true
	gone.present, gone.expired = false, true
	renewed.expired, renewed.expiresAt = true, lease.Add(time.Second)
	unattended.attended, unattended.present = false, false
	type step struct {
		after time.Duration
		seen  peer
		dead  bool
	}
	for name, steps := range map[string][]step{
		"alive":                     {{0, alive, false}, {time.Hour, alive, false}},
		"without lease and lock":    {{0, gone, true}},
		"absent for long enough":    {{0, absent, false}, {absence - 1, absent, false}, {1, absent, true}, {0, absent, true}},
		"absent for a moment":       {{0, absent, false}, {absence / 2, alive, false}, {absence, absent, false}},
		"absent, but renewing":      {{0, absent, false}, {absence, absent, true}},
		"never there":               {{0, unattended, false}, {time.Hour, unattended, false}},
		"silent behind a lock":      {{0, expired, false}, {silence - 1, expired, false}, {1, expired, true}},
		"renewing a lease too late": {{0, expired, false}, {silence, renewed, false}, {silence, renewed, true}},
		"renewed in time":           {{0, expired, false}, {silence, alive, false}, {1, expired, false}},
	} {
		j, now := newJury(), time.Now()
		for i, step := range steps {
			now = now.Add(step.after)
			var want []string
			if step.dead {
				want = []string{"b"}
			}
			if got := j.judge([]peer{step.seen}, now); len(got) != len(want) {
				t.Errorf("%s: sweep %d finds dead %v, want %v", name, i, got, want)
			}
		}
	}
}

// TestJuryThatWasAway judges nobody while it cannot tell who is absent from who
// could not come back yet.
func TestJuryThatWasAway(t *testing.T) {
	t.Parallel()
	gone := []peer{{id: "b", attended: true, expired: true}}
	j := newJury()
	j.came()
	if got := j.judge(gone, time.Now()); !cmp.Equal(got, []string{"b"}) {
		t.Errorf("a node that came for the first time finds dead %v", got)
	}
	j.left()
	if got := j.judge(gone, time.Now()); len(got) > 0 {
		t.Errorf("a node that is away finds dead %v", got)
	}
	j.came()
	for wait, want := range map[time.Duration]int{0: 0, j.settle - time.Second: 0, j.settle + time.Second: 1} {
		if got := j.judge(gone, time.Now().Add(wait)); len(got) != want {
			t.Errorf("%s after it is back a node finds dead %v", wait, got)
		}
	}
}
