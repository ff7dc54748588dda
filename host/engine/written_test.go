package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// keeps reports whether text stands in anything that is left of a run that has
// ended.
func (f *fixture) keeps(t *testing.T, id, text string) bool {
	t.Helper()
	calls, err := f.store.HookCalls(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	events, err := f.store.RunEvents(t.Context(), id, 0, 1000)
	if err != nil || len(events) == 0 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	kept := fmt.Sprint(f.store.checkpoints)
	for _, call := range calls {
		if call.SnapshotID == "" {
			continue
		}
		snapshot, err := f.store.Snapshot(t.Context(), call.SnapshotID)
		if err != nil {
			t.Fatal(err)
		}
		kept += string(snapshot)
	}
	data, err := json.Marshal([]any{f.stored(t, id), calls, events})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(kept+string(data), text)
}

// everywhere are blocking and background hooks at all points of a run.
func everywhere() []boundHook {
	var bound []boundHook
	for _, p := range points {
		answer := says(allow)
		switch p {
		case pluginapi.PointInput:
			answer = says(transform("$target.content", "<masked>"))
		case pluginapi.PointOutput:
			answer = says(transform("$target.content", "polished"))
		}
		bound = append(bound, blocking(p, "check-"+string(p), answer), background(p, "log-"+string(p)))
	}
	bound[1].permissions.SessionState = &pluginapi.SessionStatePermission{Access: "read", Reason: "shows it"}
	bound[3].permissions.SessionState = bound[1].permissions.SessionState
	return bound
}

// full is a request with all there is to keep.
func full() host.RunRequest {
	req := asks("raw")
	req.UserID, req.Metadata = "u", json.RawMessage(`{"m":"<1>"}`)
	req.Dependencies, req.Arguments = json.RawMessage(`{"d":1}`), json.RawMessage(`{"x":"y"}`)
	req.SessionState = json.RawMessage(`{"mood":"fine"}`)
	return req
}

// written is what the end of a run wrote, without what differs from run to run.
func written(t *testing.T, finish host.Finish) string {
	t.Helper()
	doc := struct {
		Calls     []host.HookCall
		Positions []int
		Specs     []*host.HookCallSpec
		Snapshots []pluginapi.Context
		Run       host.Run
		State     string
	}{Run: finish.Run, State: string(finish.Session.State)}
	for _, call := range finish.Calls {
		doc.Positions, doc.Specs = append(doc.Positions, call.Position), append(doc.Specs, call.Spec)
		if (call.Mode == pluginapi.ModeBackground) != (call.IdempotencyKey != "" && call.SnapshotID != "") {
			t.Errorf("call %+v", call)
		}
		call.ID, call.RunID, call.IdempotencyKey, call.DurationMS = "", "", "", 0
		call.CreatedAt, call.StartedAt, call.FinishedAt, call.NextAttemptAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		doc.Calls = append(doc.Calls, call)
	}
	for _, s := range finish.Snapshots {
		var c pluginapi.Context
		if err := json.Unmarshal(s.Context, &c); err != nil {
			t.Fatal(err)
		}
		if ext := c.Extensions.Snaphook; ext.Run.ID != finish.Run.ID || !ext.Run.StartedAt.Equal(*c.Session.StartedAt) {
			t.Errorf("snapshot of run %+v", ext.Run)
		}
		c.Timestamp, c.Session.ID, c.Session.StartedAt, c.RequestID = time.Time{}, "", nil, ""
		run := &c.Extensions.Snaphook.Run
		run.ID, run.RootID, run.Background, run.StartedAt = "", "", false, time.Time{}
		if run.Metrics != nil {
			run.Metrics.Duration = 0
		}
		doc.Snapshots = append(doc.Snapshots, c)
	}
	r := &doc.Run
	r.ID, r.RootID, r.Background, r.Attempt, r.CreatedAt, r.FinishedAt, r.Metrics = "", "", false, 0, time.Time{}, time.Time{}, host.Metrics{}
	for i := range r.Messages {
		r.Messages[i].ID, r.Messages[i].CreatedAt = "", time.Time{}
	}
	data, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// foreground is what a run writes whose client waits.
func foreground(t *testing.T, req host.RunRequest) string {
	t.Helper()
	f := newFixture(t, everywhere()...)
	f.run(t, req)
	return written(t, f.store.finishes[0])
}
