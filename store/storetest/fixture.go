package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// newRun is a running top-level run of a session, as it is created.
func newRun(id, session string) host.Run {
	return host.Run{
		ID:        id,
		SessionID: session,
		RootID:    id,
		UserID:    "user",
		Component: host.Component{Kind: host.KindAgent, ID: "agent", Name: "Agent"},
		Status:    host.RunRunning,
		Attempt:   1,
		CreatedAt: at(1),
	}
}

// finished is run with a result.
func finished(run host.Run, status host.RunStatus) host.Run {
	run.Status = status
	run.Input = host.TextContent("question of " + run.ID)
	run.Content = host.TextContent("answer of " + run.ID)
	run.Messages = []host.Message{{ID: "m", Role: "user", Content: run.Input, CreatedAt: at(1)}}
	run.Metadata = json.RawMessage(`{"tag":"<&>"}`)
	run.Metrics = host.Metrics{InputTokens: 3, OutputTokens: 4, TotalTokens: 7, Duration: 1.5}
	run.FinishedAt = at(2)
	return run
}

// plugin is the plugin of the calls.
const plugin = "notifier"

// newCall is a queued call of a run that self holds.
func newCall(id, run string) host.HookCall {
	return host.HookCall{
		ID:             id,
		RunID:          run,
		SessionID:      "session",
		Component:      host.Component{Kind: host.KindAgent, ID: "agent"},
		Plugin:         plugin,
		Version:        "1.0.0",
		Digest:         "sha256:00",
		Hook:           "notify",
		Point:          pluginapi.PointOutput,
		Mode:           pluginapi.ModeBackground,
		Status:         host.HookCallQueued,
		Attempt:        1,
		MaxAttempts:    3,
		NextAttemptAt:  at(2),
		IdempotencyKey: "key of " + id,
		CreatedAt:      at(2),
		Owner:          self().Owner,
		LeaseUntil:     self().Until,
		Spec:           &host.HookCallSpec{Export: "notify", Config: json.RawMessage(`{"url":"a&b"}`)},
	}
}

// free is call held by nobody, due at the nth second.
func free(call host.HookCall, n int) host.HookCall {
	call.Owner, call.LeaseUntil = "", time.Time{}
	call.NextAttemptAt = at(n)
	return call
}

// newBackgroundRun is a background run as it is created.
func newBackgroundRun(id, session string) host.Run {
	run := newRun(id, session)
	run.Status, run.Background, run.Attempt = host.RunPending, true, 0
	return run
}

// newRequest is what a background run is asked.
func newRequest(run host.Run) *host.RunRequest {
	return &host.RunRequest{
		Component: run.Component, RunID: run.ID, SessionID: run.SessionID, UserID: run.UserID,
		Input: host.TextContent("question of <" + run.ID + ">"),
	}
}

// enqueue stores background runs that nobody holds.
func enqueue(t *testing.T, s host.Store, runs ...host.Run) {
	t.Helper()
	for _, run := range runs {
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Request: newRequest(run)}))
	}
}

// claimRun has self claim one run, which must be there for it.
func claimRun(t *testing.T, s host.Store, id string, now time.Time) host.RunWork {
	t.Helper()
	work, ok, err := s.ClaimRun(t.Context(), self(), now, id)
	must(t, err)
	if !ok {
		t.Fatalf("run %s cannot be claimed", id)
	}
	return work
}

// create stores a run that self holds.
func create(t *testing.T, s host.Store, run host.Run) {
	t.Helper()
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self(), Wait: true}))
}

// finish stores a run's creation and its end, COMPLETED, with calls.
func finish(t *testing.T, s host.Store, run host.Run, calls ...host.HookCall) {
	t.Helper()
	create(t, s, run)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCompleted), Calls: calls}))
}

// callOf returns the only hook call of a run.
func callOf(t *testing.T, s host.Store, run string) host.HookCall {
	t.Helper()
	calls := get(s.HookCalls(t.Context(), run))(t)
	if len(calls) != 1 {
		t.Fatalf("%d hook calls, want 1", len(calls))
	}
	return calls[0]
}

// ids returns the ids of runs in order.
func ids(runs []host.Run) []string {
	var ids []string
	for _, run := range runs {
		ids = append(ids, run.ID)
	}
	return ids
}
