package engine_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// points are all that an agent without tools passes.
var points = []pluginapi.Point{
	pluginapi.PointAgentStartup, pluginapi.PointInput, pluginapi.PointPreModelCall,
	pluginapi.PointPostModelCall, pluginapi.PointOutput, pluginapi.PointAgentShutdown,
}

func TestEveryPoint(t *testing.T) {
	t.Parallel()
	var bound []boundHook
	for _, p := range pluginapi.Points() {
		bound = append(bound, blocking(p, "check-"+string(p), says(allow)), background(p, "log-"+string(p)))
	}
	f := newFixture(t, bound...)
	req := asks("hello")
	req.Metadata, req.Dependencies, req.Arguments = json.RawMessage(`{"m":1}`), json.RawMessage(`{"d":1}`), json.RawMessage(`{"x":"y"}`)
	req.UserID = "u"
	run := f.run(t, req)

	var seen []pluginapi.Point
	for i, c := range f.hooks.seen {
		seen = append(seen, c.Point)
		if c.Sequence != int64(i) || c.Session.ID != run.ID || c.Agent.ID != "a" || c.Session.Turn == nil || c.Session.StartedAt == nil {
			t.Errorf("%s: sequence %d, session %+v", c.Point, c.Sequence, c.Session)
		}
		ext := c.Extensions.Snaphook
		if ext.SessionID != "s" || ext.Run.ID != run.ID || ext.Run.RootID != run.ID || ext.UserID != "u" || ext.Component.Kind != "agent" {
			t.Errorf("%s: extension %+v", c.Point, ext)
		}
		if string(ext.Metadata) != `{"m":1}` || string(ext.Dependencies) != `{"d":1}` || string(ext.Arguments) != `{"x":"y"}` {
			t.Errorf("%s: extension %+v", c.Point, ext)
		}
		if (ext.Input == nil) != (c.Point == pluginapi.PointAgentStartup) {
			t.Errorf("%s: input %+v", c.Point, ext.Input)
		}
		if (ext.Run.Metrics == nil) != (i < 3) {
			t.Errorf("%s: metrics %+v", c.Point, ext.Run.Metrics)
		}
	}
	if diff := cmp.Diff(points, seen); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	pre, post := f.hooks.seen[2], f.hooks.seen[3]
	if pre.RequestID == "" || pre.RequestID != post.RequestID || pre.Model.ID != "oracle-1" || pre.Model.Vendor != "Delphi" {
		t.Errorf("request %q, then %q, of %+v", pre.RequestID, post.RequestID, pre.Model)
	}
	if post.Usage == nil || post.Usage.CompletionTokens != 1 || post.Response.FinishReason != "stop" {
		t.Errorf("response %+v, usage %+v", post.Response, post.Usage)
	}

	var want []string
	for _, p := range points {
		want = append(want, string(p)+" check-"+string(p)+" completed", string(p)+" log-"+string(p)+" queued")
	}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if n := len(f.store.finishes[0].Snapshots); n != len(points) {
		t.Errorf("%d snapshots", n)
	}
}

// snapshots decodes the contexts a run left for its background calls.
func snapshots(t *testing.T, finish host.Finish) map[pluginapi.Point]pluginapi.Context {
	t.Helper()
	out := map[pluginapi.Point]pluginapi.Context{}
	for _, s := range finish.Snapshots {
		var c pluginapi.Context
		if err := json.Unmarshal(s.Context, &c); err != nil {
			t.Fatal(err)
		}
		if s.RunID != finish.Run.ID || c.Extensions.Snaphook.Mode != "" || c.Extensions.Snaphook.Delivery != nil {
			t.Errorf("snapshot of %s: %+v", s.RunID, c.Extensions.Snaphook)
		}
		out[c.Point] = c
	}
	return out
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		background(pluginapi.PointInput, "log"),
		blocking(pluginapi.PointInput, "mask", says(transform("$target.content", "masked"))),
		background(pluginapi.PointInput, "count"),
		background(pluginapi.PointPreModelCall, "pre"),
		background(pluginapi.PointOutput, "notify"),
		blocking(pluginapi.PointOutput, "polish", says(transform("$target.content", "polished"))),
		background(pluginapi.PointAgentShutdown, "end"))
	f.run(t, asks("raw"))
	finish := f.store.finishes[0]
	got := snapshots(t, finish)

	input := got[pluginapi.PointInput]
	if string(input.Input.Content) != `"masked"` || string(input.Extensions.Snaphook.Input.Content) != `"masked"` ||
		string(input.Target) != `{"content":"masked","role":"user"}` || input.Extensions.Snaphook.Run.Status != "RUNNING" {
		t.Errorf("input %+v, target %s", input.Extensions.Snaphook, input.Target)
	}
	if pre := got[pluginapi.PointPreModelCall]; string(pre.Messages[1].Content) != `"masked"` || pre.Extensions.Snaphook.Run.Metrics != nil {
		t.Errorf("messages %s", pre.Messages)
	}
	for _, p := range []pluginapi.Point{pluginapi.PointOutput, pluginapi.PointAgentShutdown} {
		run := got[p].Extensions.Snaphook.Run
		if run.Status != "COMPLETED" || run.Metrics == nil || run.Metrics.TotalTokens == 0 || run.Metrics.Duration <= 0 {
			t.Errorf("%s: run %+v", p, run)
		}
	}
	if out := got[pluginapi.PointOutput]; string(out.Output.Content) != `"polished"` || string(out.Target) != `{"content":"polished"}` {
		t.Errorf("output %s, target %s", out.Output.Content, out.Target)
	}
	// The two calls of input share one snapshot.
	ids := map[string]bool{}
	for _, call := range finish.Calls {
		if call.Point == pluginapi.PointInput && call.Mode == pluginapi.ModeBackground {
			ids[call.SnapshotID] = true
		}
	}
	if len(ids) != 1 || len(finish.Snapshots) != 4 {
		t.Errorf("%d snapshots of input, %d in all", len(ids), len(finish.Snapshots))
	}
}

func TestMissingBackgroundPlugin(t *testing.T) {
	t.Parallel()
	gone := background(pluginapi.PointInput, "gone")
	gone.missing = true
	f := newFixture(t, gone, background(pluginapi.PointInput, "log"))
	run := f.run(t, asks("hello"))
	want := []string{"input gone skipped plugin_inactive", "input log queued"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" || run.Status != host.RunCompleted {
		t.Errorf("%s, calls (-want +got):\n%s", run.Status, diff)
	}
}

func TestMissingBlockingPlugin(t *testing.T) {
	t.Parallel()
	gone := blocking(pluginapi.PointOutput, "gone", nil)
	gone.missing = true
	f := newFixture(t, gone)
	run := f.run(t, asks("hello"))
	if run.Status != host.RunError || !run.Failure.Refused || len(f.model.requests) != 0 {
		t.Errorf("%d requests, run %+v", len(f.model.requests), run)
	}
}

// What fits into the pool is leased to this node; the rest lies there, due now.
func TestPoolFull(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"), background(pluginapi.PointOutput, "notify"))
	f.pool.Reserve("another", 9) // of 10
	run := f.run(t, asks("hello"))
	calls, err := f.store.HookCalls(t.Context(), run.ID)
	if err != nil || len(calls) != 2 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	if calls[0].Owner != "node" || !calls[0].LeaseUntil.After(calls[0].CreatedAt) || calls[0].Spec == nil {
		t.Errorf("first call %+v", calls[0])
	}
	if calls[1].Owner != "" || calls[1].NextAttemptAt.After(time.Now()) || calls[1].Status != host.HookCallQueued {
		t.Errorf("second call %+v", calls[1])
	}
	select {
	case <-f.pool.Wake():
	default:
		t.Error("nobody was told of a due call")
	}
	if got := f.pool.Reserve("another", 1); got != 0 {
		t.Error("a call was not handed to the pool")
	}
}

// The whole way: a run, its background calls, and what they came to.
func TestBackgroundCallsAreCarriedOut(t *testing.T) {
	t.Parallel()
	tried := 0
	flaky := background(pluginapi.PointOutput, "flaky")
	delivered := make(chan pluginapi.Context, 4)
	flaky.answer = func(_ ctx, c pluginapi.Context) (string, error) {
		delivered <- c
		if tried++; tried == 1 {
			return "", &host.CallError{Code: host.CallTrap, Message: "trapped"}
		}
		return deny, nil
	}
	f := newFixture(t, flaky)
	supervisor, err := job.New(job.Config{
		Store: f.store, Pool: f.pool, Handlers: job.Handlers{HookCall: f.WorkHook}, Node: "node",
		Jitter: func() float64 { return 0 }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- supervisor.Run(c) }()

	run := f.run(t, asks("hello"))
	first, second := (<-delivered).Extensions.Snaphook, (<-delivered).Extensions.Snaphook
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if first.Delivery.Attempt != 1 || second.Delivery.Attempt != 2 || first.Delivery.IdempotencyKey != second.Delivery.IdempotencyKey {
		t.Errorf("delivered as %+v, then %+v", first.Delivery, second.Delivery)
	}
	if first.Run.Status != "COMPLETED" || first.Mode != pluginapi.ModeBackground {
		t.Errorf("extension %+v", first)
	}
	calls, err := f.store.HookCalls(t.Context(), run.ID)
	if err != nil || len(calls) != 1 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	got := calls[0]
	if got.Status != host.HookCallCompleted || got.Outcome != host.OutcomeDenied || got.Attempt != 2 || got.Error != nil {
		t.Errorf("call %+v", got)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Reason != "verdict_not_enforced" {
		t.Errorf("warnings %+v", got.Warnings)
	}
	if after := f.stored(t, run.ID); after.Status != host.RunCompleted || string(after.Content) != `"hello"` {
		t.Errorf("run %+v", after)
	}
}
