package httpapi

import (
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestListHookCalls(t *testing.T) {
	t.Parallel()
	call := host.HookCall{
		ID: "c-1", RunID: "run-1", SessionID: "s-1",
		Component: host.Component{Kind: host.KindAgent, ID: "plain-agent", Name: "Plain"},
		Plugin:    "pii-guard", Version: "1.0.0", Digest: "sha256:00", Hook: "check",
		Point: pluginapi.PointInput, Sequence: 1, Mode: pluginapi.ModeBlocking, Guardrail: true,
		Status: host.HookCallCompleted, Outcome: host.OutcomeDenied, Decision: pluginapi.Deny,
		Reason: "pii_detected", Message: "No.", Attempt: 1, MaxAttempts: 1, DurationMS: 1.5,
		Logs:      []host.LogLine{{At: at, Level: "info", Message: "<seen>"}},
		CreatedAt: at, StartedAt: at, FinishedAt: at.Add(time.Second),
	}
	skipped := host.HookCall{
		ID: "c-2", RunID: "run-1", Plugin: "notifier", Mode: pluginapi.ModeBackground,
		Status: host.HookCallSkipped, Reason: host.SkipRunRefused, CreatedAt: at,
	}
	f := fixture{runs: fakeRuns{
		runs: map[string]host.Run{"run-1": refusedRun()}, calls: []host.HookCall{call, skipped},
	}}
	golden(t, "hook-calls.json", f.get(t, "/runs/run-1/hooks").Body.String())
	wantDetail(t, f.get(t, "/runs/nope/hooks"), 404, "Run not found")
	none := fixture{runs: fakeRuns{runs: map[string]host.Run{"run-1": completedRun()}}}
	wantAnswer(t, none.get(t, "/runs/run-1/hooks"), 200, `{"data":[]}`)
}
