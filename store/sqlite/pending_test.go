package sqlite

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// TestHeldSession: a run waits until its session is free, one of another session
// does not, and a session with a pending run cannot be held.
func TestHeldSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPendingRuns(0)
		releaseBoth, _ := p.hold([]string{"a", "b"})
		releaseOne, _ := p.hold([]string{"a"})
		added := false
		go func() { _, added = p.add(host.Run{ID: "1", SessionID: "a"}, true) }()
		p.add(host.Run{ID: "2", SessionID: "c"}, true)
		for _, release := range []func(){releaseBoth, releaseOne} {
			synctest.Wait()
			if added {
				t.Error("the run came into a session that is held")
			}
			release()
		}
		synctest.Wait()
		if !added {
			t.Error("the run waits for nobody")
		}
		if _, busy := p.hold([]string{"b", "a"}); busy == nil || busy.ID != "1" {
			t.Errorf("a session with a run was held; the run is %v", busy)
		}
		if len(p.held) > 0 {
			t.Errorf("held are %v", p.held)
		}
	})
}

// TestDeletionReleases: a session is free again, whatever came of its deletion.
func TestDeletionReleases(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	run := host.Run{ID: "run", RootID: "run", SessionID: "s", Status: host.RunRunning}
	if err := s.CreateRun(t.Context(), host.NewRun{Run: run, Wait: true}); err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]string{{"none"}, {"s"}} {
		_ = s.DeleteSessions(t.Context(), ids, false) // the second is refused
		if len(s.pending.held) > 0 {
			t.Errorf("held are %v", s.pending.held)
		}
	}
}
