package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// TestServerThatGoesAwayAndComesBack: what nobody waits for is written when it is
// back, who waits is told, and listeners look for themselves.
func TestServerThatGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Config{})
	s := open(t, postgres.Config{URL: server.Database(t)})
	heard := listen(t, s)
	before := newRun("before", "session")
	create(t, s, host.NewRun{Run: before, Lease: leaseOf("node"), Wait: true})

	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := newRun("run", "session")
	create(t, s, host.NewRun{Run: run, Lease: leaseOf("node")})
	if got, err := s.Run(t.Context(), "run"); err != nil || got.ID != "run" {
		t.Errorf("the run that is being created: %v", err)
	}
	for name, err := range map[string]error{
		"create": s.CreateRun(t.Context(), host.NewRun{Run: newRun("other", "other"), Wait: true}),
		"finish": s.FinishRun(t.Context(), host.Finish{Run: ended(before, host.RunCompleted)}),
		"cancel": s.CancelRun(t.Context(), "before", time.Now()),
	} {
		if host.CodeOf(err) != host.CodeUnavailable {
			t.Errorf("%s: %v, want %s", name, err, host.CodeUnavailable)
		}
	}
	if _, err := s.Run(t.Context(), "before"); host.CodeOf(err) != host.CodeUnavailable {
		t.Errorf("read: %v, want %s", err, host.CodeUnavailable)
	}

	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool {
		return s.FinishRun(t.Context(), host.Finish{Run: ended(before, host.RunCompleted)}) == nil
	})
	wantAhead(t, s, run, false)
	finish(t, s, host.Finish{Run: ended(run, host.RunCompleted)})
	for signal := range heard {
		if signal == (host.Signal{Kind: host.SignalPlugins}) {
			break // the last of those that say to look
		}
	}
	if err := s.PutBindings(t.Context(), host.HostWide, nil); err != nil {
		t.Fatal(err)
	}
	for signal := range heard {
		if signal.Kind == host.SignalPlugins {
			return
		}
	}
}

// listen returns the signals from now on.
func listen(t *testing.T, s *postgres.Store) <-chan host.Signal {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	heard, ended := make(chan host.Signal, 1000), make(chan error, 1)
	go func() { ended <- s.Listen(ctx, func(signal host.Signal) { heard <- signal }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("listen: %v", err)
		}
	})
	// What is said before somebody listens is lost: say something until it is heard.
	for len(heard) == 0 {
		if err := s.CancelRun(t.Context(), "listening", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return heard
}
