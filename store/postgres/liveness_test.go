package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
)

// attend shows a node until the returned function is called.
func attend(t *testing.T, s *postgres.Store, url, node string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Attend(ctx, node) }()
	leave = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("attend: %v", err)
		}
		ended <- nil
	}
	t.Cleanup(leave)
	await(t, func() bool {
		return count(t, url, `SELECT count(*) FROM nodes WHERE attended AND id = '`+node+`'`) == 1
	})
	return leave
}

// await looks again and again, as nobody tells.
func await(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); !done(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("it does not come about")
		}
	}
}

func sweep(t *testing.T, s *postgres.Store, self string) host.Swept {
	t.Helper()
	swept, err := s.Sweep(t.Context(), self, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return swept
}

func renew(t *testing.T, s *postgres.Store, node string) {
	t.Helper()
	if _, err := s.RenewLeases(t.Context(), leaseOf(node)); err != nil {
		t.Fatal(err)
	}
}

// TestNodeThatIsGoneIsMissed: it is noticed by its lock, long before its lease
// ends; a node that is there is not, even when its leases are past by the clock of
// another.
func TestNodeThatIsGoneIsMissed(t *testing.T) {
	t.Parallel()
	a, b, url := nodes(t, postgres.Config{})
	attend(t, a, url, "a")
	leave := attend(t, b, url, "b")
	renew(t, a, "a")
	renew(t, b, "b")
	run, background, over := newRun("run", "s"), newRun("background", "t"), newRun("over", "u")
	background.Background = true
	for _, run := range []host.Run{run, background, over} {
		create(t, b, host.NewRun{Run: run, Lease: leaseOf("b"), Wait: true})
	}
	call := queuedCall(&over, leaseOf("b"))
	finish(t, b, host.Finish{Run: ended(over, host.RunCompleted), Calls: []host.HookCall{call}})
	settled(t, url)
	later := time.Now().Add(time.Hour)
	for range 3 {
		if swept, err := a.Sweep(t.Context(), "a", later); err != nil || swept != (host.Swept{}) {
			t.Fatalf("swept %+v of a node that is there, %v", swept, err)
		}
	}
	if swept := sweep(t, b, "b"); swept != (host.Swept{}) {
		t.Fatalf("a node swept %+v of its own", swept)
	}

	leave()
	var swept host.Swept
	await(t, func() bool { swept = sweep(t, a, "a"); return swept != host.Swept{} })
	if want := (host.Swept{Runs: 1, Requeued: 1, Calls: 1}); swept != want {
		t.Errorf("swept %+v, want %+v", swept, want)
	}
	if got, err := a.Run(t.Context(), "background"); err != nil || got.Attempt != 2 || got.Status != host.RunPending {
		t.Errorf("the background run is %s at attempt %d, %v", got.Status, got.Attempt, err)
	}
}

// settled has the server look as if it had run for long.
func settled(t *testing.T, url string) {
	t.Helper()
	await(t, func() bool {
		return count(t, url, `SELECT count(*) FROM (SELECT 1) AS x
			WHERE clock_timestamp() - pg_postmaster_start_time() > interval '10 seconds'`) == 1
	})
}
