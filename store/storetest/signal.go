package storetest

import (
	"context"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func signalTests() []test {
	return []test{
		{"of work", signalsOfWork},
		{"of cancels", signalsOfCancels},
		{"of events", signalsOfEvents},
		{"of a session", signalsOfSession},
		{"of plugins", signalsOfPlugins},
		{"to all listeners", signalsToAll},
		{"attended until the end", attended},
	}
}

// listen returns the signals from now on. They end with the test.
func listen(t *testing.T, s host.Store) <-chan host.Signal {
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
		must(t, s.CancelRun(t.Context(), "listening", at(1)))
	}
	return heard
}

// wantSignal waits for a signal.
func wantSignal(t *testing.T, heard <-chan host.Signal, kind host.SignalKind, id string) {
	t.Helper()
	for signal := range heard {
		if signal == (host.Signal{Kind: kind, ID: id}) {
			return
		}
	}
}

func signalsOfWork(t *testing.T, s host.Store) {
	heard := listen(t, s)
	for _, act := range []func(){
		func() { enqueue(t, s, newBackgroundRun("run", "session")) },
		func() { claimRun(t, s, "run", at(50)); must(t, s.ReleaseRun(t.Context(), "run", 1)) },
		func() {
			must(t, s.CreateRun(t.Context(), host.NewRun{Run: newBackgroundRun("lost", "lost"), Lease: dead()}))
			sweep(t, s, host.Swept{Requeued: 1})
		},
		func() {
			first := newRun("first", "waiting")
			create(t, s, first)
			enqueue(t, s, newBackgroundRun("second", "waiting"))
			wantSignal(t, heard, host.SignalWork, "")
			must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(first, host.RunCompleted)}))
		},
		func() { finish(t, s, newRun("with a call", "session"), free(newCall("call", "with a call"), 3)) },
		func() {
			get(s.ClaimHookCalls(t.Context(), self(), at(50), plugin, 1))(t)
			must(t, s.ReleaseHookCall(t.Context(), "call", 1))
		},
	} {
		act()
		wantSignal(t, heard, host.SignalWork, "")
	}
}

func signalsOfCancels(t *testing.T, s host.Store) {
	heard := listen(t, s)
	create(t, s, newRun("run", "session"))
	for _, id := range []string{"run", "none"} {
		must(t, s.CancelRun(t.Context(), id, at(3)))
		wantSignal(t, heard, host.SignalCancel, id)
	}
}

func signalsOfEvents(t *testing.T, s host.Store) {
	heard := listen(t, s)
	run := working(t, s, "run")
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(0, 1)))
	wantSignal(t, heard, host.SignalEvents, "run")
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCompleted)}))
	wantSignal(t, heard, host.SignalEvents, "run")
}

func signalsOfSession(t *testing.T, s host.Store) {
	heard := listen(t, s)
	for _, wait := range []bool{true, false} {
		first, second := newRun("first", "session"), newRun("second", "session")
		for _, run := range []host.Run{first, second} {
			must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self(), Wait: wait}))
		}
		must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(first, host.RunCompleted)}))
		wantSignal(t, heard, host.SignalSession, "session")
		must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(second, host.RunCompleted)}))
		must(t, s.DeleteSessions(t.Context(), []string{"session"}, false))
	}
}

func signalsOfPlugins(t *testing.T, s host.Store) {
	heard := listen(t, s)
	install(t, s, newPlugin("a", "1.0.0", "sha256:a"), "a")
	wantSignal(t, heard, host.SignalPlugins, "")
	must(t, s.PutBindings(t.Context(), host.HostWide, nil))
	wantSignal(t, heard, host.SignalPlugins, "")
}

func signalsToAll(t *testing.T, s host.Store) {
	first, second := listen(t, s), listen(t, s)
	enqueue(t, s, newBackgroundRun("run", "session"))
	wantSignal(t, first, host.SignalWork, "")
	wantSignal(t, second, host.SignalWork, "")
}

func attended(t *testing.T, s host.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Attend(ctx, self().Owner) }()
	cancel()
	must(t, <-ended)
}
