package storetest

import (
	"encoding/json"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func runTests() []test {
	return []test{
		{"unknown", unknownRun},
		{"created", createdRun},
		{"created lazily", lazyRun},
		{"created twice", repeatedRun},
		{"created lazily twice", repeatedLazyRun},
		{"keeps raw data out", rawData},
		{"started", startedRun},
		{"started lazily", startedLazyRun},
		{"started by another attempt", startedByAnother},
		{"started after the end", startedAfterEnd},
	}
}

func unknownRun(t *testing.T, s host.Store) {
	_, err := s.Run(t.Context(), "none")
	wantCode(t, err, host.CodeNotFound)
	if calls := get(s.HookCalls(t.Context(), "none"))(t); len(calls) > 0 {
		t.Errorf("%d hook calls of an unknown run", len(calls))
	}
}

func createdRun(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	create(t, s, run)
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
}

func lazyRun(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
	flush(t, s)
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
}

func repeatedRun(t *testing.T, s host.Store) {
	first, second := newRun("run", "first"), newRun("run", "second")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: first, Lease: self()}))
	wantCode(t, s.CreateRun(t.Context(), host.NewRun{Run: second, Lease: self(), Wait: true}), host.CodeConflict)
	wantCode(t, s.CreateRun(t.Context(), host.NewRun{Run: second, Lease: self(), Wait: true}), host.CodeConflict)
	wantEqual(t, first, get(s.Run(t.Context(), "run"))(t))
}

func repeatedLazyRun(t *testing.T, s host.Store) {
	first := newRun("run", "first")
	create(t, s, first)
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("run", "second"), Lease: self()}))
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("run", "third"), Lease: self()}))
	flush(t, s)
	wantEqual(t, first, get(s.Run(t.Context(), "run"))(t))
}

func rawData(t *testing.T, s host.Store) {
	for id, wait := range map[string]bool{"waited": true, "lazy": false} {
		bare := newRun(id, "session")
		raw := finished(bare, host.RunRunning)
		raw.SessionState = json.RawMessage(`{"secret":1}`)
		raw.Metrics, raw.FinishedAt = bare.Metrics, bare.FinishedAt
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: raw, Lease: self(), Wait: wait}))
		wantEqual(t, bare, get(s.Run(t.Context(), id))(t))
		flush(t, s)
		wantEqual(t, bare, get(s.Run(t.Context(), id))(t))
	}
}

func startedRun(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	run.Status = host.RunPending
	create(t, s, run)
	must(t, s.StartRun(t.Context(), "run", 1))
	flush(t, s)
	run.Status = host.RunRunning
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
}

func startedLazyRun(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	run.Status = host.RunPending
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	must(t, s.StartRun(t.Context(), "run", 1))
	flush(t, s)
	run.Status = host.RunRunning
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
}

func startedByAnother(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	run.Status = host.RunPending
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self()}))
	must(t, s.StartRun(t.Context(), "run", 2))
	must(t, s.StartRun(t.Context(), "none", 1))
	flush(t, s)
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
}

func startedAfterEnd(t *testing.T, s host.Store) {
	finish(t, s, newRun("run", "session"))
	must(t, s.StartRun(t.Context(), "run", 1))
	flush(t, s)
	if got := get(s.Run(t.Context(), "run"))(t).Status; got != host.RunCompleted {
		t.Errorf("status %s, want COMPLETED", got)
	}
}
