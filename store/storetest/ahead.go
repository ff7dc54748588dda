package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func aheadTests() []test {
	return []test{
		{"until they end", aheadUntilEnd},
		{"under way", aheadUnderWay},
		{"only those of the session", aheadOfSession},
		{"one at a time", aheadAtOnce},
	}
}

func wantAhead(t *testing.T, s host.Store, run host.Run, want bool) {
	t.Helper()
	if got := get(s.Ahead(t.Context(), run))(t); got != want {
		t.Errorf("a run is ahead of %s: %t, want %t", run.ID, got, want)
	}
}

// aheadUntilEnd gives all runs the same time.
func aheadUntilEnd(t *testing.T, s host.Store) {
	c, a, b := newRun("c", "session"), newBackgroundRun("a", "session"), newRun("b", "session")
	create(t, s, c)
	enqueue(t, s, a)
	create(t, s, b)
	wantAhead(t, s, c, false)
	wantAhead(t, s, a, true)
	wantAhead(t, s, b, true)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(c, host.RunError)}))
	wantAhead(t, s, a, false)
	wantAhead(t, s, b, true)
	work := claimRun(t, s, "a", at(50))
	wantAhead(t, s, b, true)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(work.Run, host.RunCancelled)}))
	wantAhead(t, s, b, false)
	_, err := s.Ahead(t.Context(), newRun("none", "session"))
	wantCode(t, err, host.CodeNotFound)
}

func aheadUnderWay(t *testing.T, s host.Store) {
	first, second, third := newRun("first", "session"), newRun("second", "session"), newRun("third", "session")
	for _, run := range []host.Run{first, second} {
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	}
	create(t, s, third)
	for range 2 {
		wantAhead(t, s, first, false)
		wantAhead(t, s, second, true)
		wantAhead(t, s, third, true)
		flush(t, s)
	}
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(first, host.RunCompleted)}))
	wantAhead(t, s, second, false)
	wantAhead(t, s, third, true)
}

func aheadOfSession(t *testing.T, s host.Store) {
	elsewhere, parallel, last := newRun("elsewhere", "another"), newRun("parallel", "session"), newRun("last", "session")
	parallel.Parallel = true
	for _, run := range []host.Run{elsewhere, parallel, last} {
		create(t, s, run)
		wantAhead(t, s, run, false)
	}
	// "last" is ahead of these.
	parallel.ID, parallel.RootID = "another parallel", "another parallel"
	create(t, s, parallel)
	wantAhead(t, s, parallel, false)
	wantAhead(t, s, newMember("member", last), false)
	judge := newRun("judge", "session")
	judge.ParentID = "elsewhere"
	create(t, s, judge)
	wantAhead(t, s, judge, true)
}

// aheadAtOnce has many clients run in one session: no two of them find nobody
// ahead at the same time.
func aheadAtOnce(t *testing.T, s host.Store) {
	var running atomic.Int32
	inParallel(t.Context(), t, 8, func(ctx context.Context, i int) error {
		run := newRun(fmt.Sprint(i), "session")
		if err := s.CreateRun(ctx, host.NewRun{Run: run, Lease: self(), Wait: i%2 == 0}); err != nil {
			return err
		}
		for {
			ahead, err := s.Ahead(ctx, run)
			if err != nil {
				return err
			}
			if !ahead {
				break
			}
		}
		if n := running.Add(1); n > 1 {
			return fmt.Errorf("%d runs of the session at once", n)
		}
		flush(t, s)
		running.Add(-1)
		return s.FinishRun(ctx, host.Finish{Run: finished(run, host.RunCompleted)})
	})
}
