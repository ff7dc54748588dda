package storetest

import (
	"encoding/json"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func checkpointTests() []test {
	return []test{
		{"replaces the request", savedCheckpoint},
		{"of another attempt", staleCheckpoint},
		{"of a cancelled run", cancelledCheckpoint},
		{"goes with the run's end", endedCheckpoint},
	}
}

// atCheckpoint is a run in the middle.
func atCheckpoint(run host.Run, state string) host.Checkpoint {
	run.Status = host.RunRunning
	run.Input = host.TextContent("question of " + run.ID)
	return host.Checkpoint{Run: run, State: json.RawMessage(state)}
}

func savedCheckpoint(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("run", "session"))
	work := claimRun(t, s, "run", at(50))
	for _, state := range []string{`{"step":1}`, `{"step":2,"text":"<&>"}`} {
		must(t, s.SaveCheckpoint(t.Context(), atCheckpoint(work.Run, state)))
	}
	want := atCheckpoint(work.Run, `{"step":2,"text":"<&>"}`)
	wantEqual(t, want.Run, get(s.Run(t.Context(), "run"))(t))
	if _, ok, err := s.ClaimRun(t.Context(), self(), at(50), "run"); ok || err != nil {
		t.Errorf("a checkpoint freed the run; error %v", err)
	}
	must(t, s.ReleaseRun(t.Context(), "run", 1))
	work = claimRun(t, s, "run", later())
	want.Run.Attempt = 2
	wantEqual(t, host.RunWork{Run: want.Run, Checkpoint: want.State}, work)
}

func staleCheckpoint(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("run", "session"))
	work := claimRun(t, s, "run", at(50))
	zombie := work.Run
	zombie.Attempt = 2
	wantStale(t, s.SaveCheckpoint(t.Context(), atCheckpoint(zombie, `{}`)))
	wantEqual(t, work.Run, get(s.Run(t.Context(), "run"))(t))
	unknown := newBackgroundRun("none", "session")
	wantCode(t, s.SaveCheckpoint(t.Context(), atCheckpoint(unknown, `{}`)), host.CodeNotFound)
	endWork(t, s, "run")
	wantStale(t, s.SaveCheckpoint(t.Context(), atCheckpoint(work.Run, `{}`)))
}

func cancelledCheckpoint(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("run", "session"))
	work := claimRun(t, s, "run", at(50))
	must(t, s.CancelRun(t.Context(), "run", at(51)))
	wantCancelled(t, s.SaveCheckpoint(t.Context(), atCheckpoint(work.Run, `{}`)))
	wantEqual(t, work.Run, get(s.Run(t.Context(), "run"))(t))
	must(t, s.ReleaseRun(t.Context(), "run", 1))
	work = claimRun(t, s, "run", later())
	if work.Checkpoint != nil || work.Request == nil || !work.CancelRequested {
		t.Errorf("work %+v, want its request and no checkpoint", work)
	}
}

// endedCheckpoint: a run of the same id that comes later finds nothing.
func endedCheckpoint(t *testing.T, s host.Store) {
	run := newBackgroundRun("run", "session")
	enqueue(t, s, run)
	work := claimRun(t, s, "run", at(50))
	must(t, s.SaveCheckpoint(t.Context(), atCheckpoint(work.Run, `{}`)))
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(0, 3)))
	endWork(t, s, "run")
	must(t, s.CancelRun(t.Context(), "run", at(51)))
	must(t, s.DeleteSessions(t.Context(), []string{"session"}, false))
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run}))
	run.Status, run.Attempt = host.RunRunning, 1
	wantEqual(t, host.RunWork{Run: run}, claimRun(t, s, "run", at(50)))
}
