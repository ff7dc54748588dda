package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func hookCallTests() []test {
	return []test{
		{"in call order", callOrder},
		{"started", startedCall},
		{"started and finished at once", startedAndFinished},
		{"started without effect", startedNot},
		{"finished", finishedCall},
		{"finished twice", finishedCallTwice},
		{"finished by another attempt", finishedByAnother},
		{"unknown", unknownCall},
		{"retried", retriedCall},
		{"released", releasedCall},
		{"released twice", releasedTwice},
	}
}

func callOrder(t *testing.T, s host.Store) {
	var calls []host.HookCall
	for _, place := range []struct {
		id                 string
		sequence, position int
	}{{"d", 2, 1}, {"b", 1, 2}, {"c", 2, 0}, {"a", 1, 0}} {
		call := newCall(place.id, "run")
		call.Sequence, call.Position = int64(place.sequence), place.position
		calls = append(calls, call)
	}
	calls[0].Status, calls[0].Owner, calls[0].LeaseUntil = host.HookCallSkipped, "", time.Time{}
	finish(t, s, newRun("run", "session"), calls...)
	finish(t, s, newRun("other", "session"), newCall("elsewhere", "other"))
	want := []host.HookCall{calls[3], calls[1], calls[2], calls[0]}
	wantEqual(t, want, get(s.HookCalls(t.Context(), "run"))(t))
}

func startedCall(t *testing.T, s host.Store) {
	want := newCall("call", "run")
	finish(t, s, newRun("run", "session"), want)
	must(t, s.StartHookCall(t.Context(), "call", 1, at(3)))
	flush(t, s)
	want.Status, want.StartedAt = host.HookCallRunning, at(3)
	wantEqual(t, want, callOf(t, s, "run"))
}

func startedAndFinished(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call)
	must(t, s.StartHookCall(t.Context(), "call", 1, at(3)))
	want := done(call)
	must(t, s.FinishHookCall(t.Context(), 1, want))
	flush(t, s)
	wantEqual(t, want, callOf(t, s, "run"))
}

func startedNot(t *testing.T, s host.Store) {
	held, unheld, over := newCall("held", "run"), free(newCall("unheld", "run"), 2), done(newCall("over", "run"))
	held.Position, unheld.Position, over.Position = 0, 1, 2
	want := []host.HookCall{held, unheld, over}
	finish(t, s, newRun("run", "session"), want...)
	must(t, s.StartHookCall(t.Context(), "held", 2, at(3)))
	must(t, s.StartHookCall(t.Context(), "unheld", 1, at(3)))
	must(t, s.StartHookCall(t.Context(), "over", 1, at(3)))
	must(t, s.StartHookCall(t.Context(), "none", 1, at(3)))
	flush(t, s)
	wantEqual(t, want, get(s.HookCalls(t.Context(), "run"))(t))
}

// done is a call that was made, held by nobody.
func done(call host.HookCall) host.HookCall {
	call.Owner, call.LeaseUntil, call.NextAttemptAt = "", time.Time{}, time.Time{}
	call.Status, call.Outcome, call.Decision = host.HookCallCompleted, host.OutcomeAllowed, pluginapi.Allow
	call.Warnings = []pluginapi.Warning{{Reason: "odd", Message: "<odd>"}}
	call.Logs = []host.LogLine{{At: at(4), Level: "info", Message: "sent"}}
	call.DurationMS, call.StartedAt, call.FinishedAt = 1.25, at(3), at(5)
	return call
}

func finishedCall(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call)
	want := done(call)
	report := want
	report.Owner, report.LeaseUntil = call.Owner, call.LeaseUntil
	must(t, s.FinishHookCall(t.Context(), 1, report))
	wantEqual(t, want, callOf(t, s, "run"))
}

func finishedCallTwice(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call)
	must(t, s.FinishHookCall(t.Context(), 1, done(call)))
	again := done(call)
	again.Status = host.HookCallDead
	wantStale(t, s.FinishHookCall(t.Context(), 1, again))
	wantEqual(t, done(call), callOf(t, s, "run"))
}

func finishedByAnother(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call)
	wantStale(t, s.FinishHookCall(t.Context(), 2, done(call)))
	wantStale(t, s.ReleaseHookCall(t.Context(), "call", 2))
	wantEqual(t, call, callOf(t, s, "run"))
}

func unknownCall(t *testing.T, s host.Store) {
	wantCode(t, s.FinishHookCall(t.Context(), 1, done(newCall("none", "run"))), host.CodeNotFound)
	wantCode(t, s.ReleaseHookCall(t.Context(), "none", 1), host.CodeNotFound)
}

func retriedCall(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call)
	want := free(call, 30)
	want.Attempt, want.Error = 2, &host.HookError{Code: "trap", Message: "unreachable"}
	report := want
	report.Owner, report.LeaseUntil = call.Owner, call.LeaseUntil
	must(t, s.FinishHookCall(t.Context(), 1, report))
	wantEqual(t, want, callOf(t, s, "run"))

	wantStale(t, s.FinishHookCall(t.Context(), 1, done(call)))
	wantDue(t, s, map[string]time.Time{plugin: at(30)})
	if early := get(s.ClaimHookCalls(t.Context(), self(), at(29), plugin, 5))(t); len(early) > 0 {
		t.Errorf("claimed before it was due: %v", early)
	}
	want.Owner, want.LeaseUntil = self().Owner, self().Until
	wantEqual(t, []host.HookCall{want}, get(s.ClaimHookCalls(t.Context(), self(), at(30), plugin, 5))(t))
	must(t, s.FinishHookCall(t.Context(), 2, done(want)))
}

func releasedCall(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	call.NextAttemptAt = time.Now().AddDate(1, 0, 0)
	finish(t, s, newRun("run", "session"), call)
	must(t, s.StartHookCall(t.Context(), "call", 1, at(3)))
	must(t, s.ReleaseHookCall(t.Context(), "call", 1))
	got := callOf(t, s, "run")
	if got.Status != host.HookCallQueued || got.Owner != "" || got.Attempt != 1 {
		t.Errorf("a released call is %s, held by %q, attempt %d", got.Status, got.Owner, got.Attempt)
	}
	if claimed := get(s.ClaimHookCalls(t.Context(), self(), time.Now(), plugin, 5))(t); len(claimed) != 1 {
		t.Errorf("claimed %d calls, want the released one", len(claimed))
	}
}

// releasedTwice: who gave a call back can do nothing more to it, whoever has it.
func releasedTwice(t *testing.T, s host.Store) {
	merge := callInSession(t, s, `{}`)
	merge.Patch = json.RawMessage(`{"a":1}`)
	must(t, s.ReleaseHookCall(t.Context(), "call", 1))
	call, claimed, err := s.ClaimHookCall(t.Context(), self(), later(), "call")
	must(t, err)
	if !claimed || call.Attempt != 1 || call.Fence() != 2 {
		t.Fatalf("claimed %v: attempt %d, fence %d", claimed, call.Attempt, call.Fence())
	}
	wantStale(t, s.ReleaseHookCall(t.Context(), "call", 1))
	wantStale(t, s.FinishHookCall(t.Context(), 1, done(call)))
	wantStale(t, s.MergeSessionState(t.Context(), merge))
	must(t, s.StartHookCall(t.Context(), "call", 1, at(3)))
	flush(t, s)
	wantEqual(t, call, callOf(t, s, "run"))

	merge.Fence = 2
	must(t, s.MergeSessionState(t.Context(), merge))
	must(t, s.StartHookCall(t.Context(), "call", 2, at(3)))
	must(t, s.FinishHookCall(t.Context(), 2, done(call)))
	if got := callOf(t, s, "run"); got.Status != host.HookCallCompleted || got.Attempt != 1 {
		t.Errorf("a call that was released once is %s after attempt %d", got.Status, got.Attempt)
	}
}
