package storetest

import (
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func snapshotTests() []test {
	return []test{
		{"unknown", unknownSnapshot},
		{"goes with the last call that needs it", sharedSnapshot},
		{"stays with a dead call", snapshotOfTheDead},
	}
}

func unknownSnapshot(t *testing.T, s host.Store) {
	_, err := s.Snapshot(t.Context(), "none")
	wantCode(t, err, host.CodeNotFound)
}

func sharedSnapshot(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	first, second := newCall("first", "run"), newCall("second", "run")
	first.SnapshotID, second.SnapshotID = "shared", "shared"
	create(t, s, run)
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run:   finished(run, host.RunCompleted),
		Calls: []host.HookCall{first, second},
		Snapshots: []host.Snapshot{
			{ID: "shared", RunID: "run", Context: []byte(`{"a":1}`)},
			{ID: "other", RunID: "run", Context: []byte(`{"b":2}`)},
		},
	}))
	must(t, s.FinishHookCall(t.Context(), 1, done(first)))
	wantEqual(t, []byte(`{"a":1}`), get(s.Snapshot(t.Context(), "shared"))(t))

	retry := free(second, 30)
	retry.Attempt = 2
	must(t, s.FinishHookCall(t.Context(), 1, retry))
	wantEqual(t, []byte(`{"a":1}`), get(s.Snapshot(t.Context(), "shared"))(t))

	over := done(second)
	over.Attempt = 2
	must(t, s.FinishHookCall(t.Context(), 2, over))
	_, err := s.Snapshot(t.Context(), "shared")
	wantCode(t, err, host.CodeNotFound)
	wantEqual(t, []byte(`{"b":2}`), get(s.Snapshot(t.Context(), "other"))(t))
}

func snapshotOfTheDead(t *testing.T, s host.Store) {
	call := died(t, s, "call", nil)
	wantEqual(t, []byte(`{"of":"call"}`), get(s.Snapshot(t.Context(), call.SnapshotID))(t))
}
