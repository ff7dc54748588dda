package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// accept starts a background run.
func (f *fixture) accept(t *testing.T, req host.RunRequest) host.Run {
	t.Helper()
	run, err := f.Start(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// claim takes a background run for a node, as its worker does.
func (f *fixture) claim(t *testing.T, node, id string) host.RunWork {
	t.Helper()
	now := time.Now()
	work, ok, err := f.store.ClaimRun(t.Context(), host.Lease{Owner: node, Until: now.Add(time.Minute)}, now, id)
	if err != nil || !ok {
		t.Fatalf("run %s was not claimed: %v", id, err)
	}
	return work
}

// lose has every node but one be dead.
func (f *fixture) lose(t *testing.T, survivor string) {
	t.Helper()
	if _, err := f.store.Sweep(t.Context(), survivor, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// background starts a run and carries it out.
func (f *fixture) background(t *testing.T, req host.RunRequest) host.Run {
	t.Helper()
	id := f.accept(t, req).ID
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	return f.stored(t, id)
}

// events reads the stream of a background run.
func (f *fixture) events(t *testing.T, id string) []string {
	t.Helper()
	var s stream
	if err := f.Follow(t.Context(), id, 0, s.send); err != nil {
		t.Fatal(err)
	}
	for i, e := range s.events {
		if e.Index != i || e.Run.ID != id || e.At.IsZero() {
			t.Errorf("event %d is %+v", i, e)
		}
	}
	return s.kinds()
}

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

func TestBackgroundRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, everywhere()...)
	accepted := f.accept(t, full())
	if accepted.Status != host.RunPending || !accepted.Background || accepted.SessionID != "s" || accepted.Input != nil {
		t.Errorf("accepted %+v", accepted)
	}
	if got := f.stored(t, accepted.ID); got.Status != host.RunPending || got.Input != nil || got.Metadata != nil {
		t.Errorf("stored %+v", got)
	}
	if err := f.Work(t.Context(), f.claim(t, "node", accepted.ID)); err != nil {
		t.Fatal(err)
	}
	run := f.stored(t, accepted.ID)
	if run.Status != host.RunCompleted || string(run.Content) != `"polished"` || string(run.Input) != `"<masked>"` || run.UserID != "u" {
		t.Errorf("run %+v", run)
	}
	if diff := cmp.Diff(foreground(t, full()), written(t, f.store.finishes[0])); diff != "" {
		t.Errorf("written (-foreground +background):\n%s", diff)
	}
	want := []string{
		"RunStarted", "PreHookStarted check-input.hook", "PreHookCompleted check-input.hook",
		"ModelRequestStarted", "ModelRequestCompleted",
		"PostHookStarted check-output.hook", "PostHookCompleted check-output.hook", "RunContentCompleted", "RunCompleted",
	}
	if diff := cmp.Diff(want, f.events(t, run.ID)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if f.keeps(t, run.ID, "raw") || !f.keeps(t, run.ID, "masked") {
		t.Error("what no hook permitted was kept")
	}
}

func TestBackgroundRunIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		background(pluginapi.PointAgentStartup, "start"), background(pluginapi.PointInput, "log"),
		blocking(pluginapi.PointInput, "guard", says(deny)))
	req := asks(secret)
	req.Metadata = json.RawMessage(`{"note":"` + secret + `"}`)
	run := f.background(t, req)
	if run.Status != host.RunError || !run.Failure.Refused || string(run.Input) != `"[refused: forbidden]"` {
		t.Errorf("run %+v", run)
	}
	want := []string{"agent_startup start skipped run_refused", "input log skipped run_refused", "input guard completed forbidden"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"RunStarted", "PreHookStarted guard.hook", "RunError"}, f.events(t, run.ID)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if f.keeps(t, run.ID, secret) {
		t.Error("something of the request was left")
	}
}

// A worker that is lost in the model call has another one go on there.
func TestResume(t *testing.T) {
	t.Parallel()
	f := newFixture(t, everywhere()...)
	id := f.accept(t, full()).ID
	lost := f.hang(t, id)
	if got := f.stored(t, id); got.Status != host.RunRunning || string(got.Input) != `"<masked>"` || string(got.SessionState) != `{"mood":"fine"}` {
		t.Errorf("checkpoint %+v", got)
	}
	f.lose(t, "other")
	f.model.answer = nil
	work := f.claim(t, "other", id)
	if work.Run.Attempt != 2 || work.Request != nil || strings.Contains(string(work.Checkpoint), `"raw"`) {
		t.Errorf("claimed %+v, checkpoint %s", work, work.Checkpoint)
	}
	other := f.node(t, func(c *engine.Config) { c.Node = "other" })
	if err := other.Work(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	lost.end(t)

	if len(f.hooks.at(pluginapi.PointAgentStartup)) != 1 || len(f.hooks.at(pluginapi.PointInput)) != 1 {
		t.Error("the hooks of input were asked twice")
	}
	if run := f.stored(t, id); run.Status != host.RunCompleted || run.Attempt != 2 {
		t.Errorf("run %+v", run)
	}
	if len(f.store.finishes) != 1 {
		t.Fatalf("%d ends were written", len(f.store.finishes))
	}
	if diff := cmp.Diff(foreground(t, full()), written(t, f.store.finishes[0])); diff != "" {
		t.Errorf("written (-uninterrupted +resumed):\n%s", diff)
	}
	events := strings.Join(f.events(t, id), " ")
	if strings.Count(events, "RunStarted") != 1 || !strings.Contains(events, "ModelRequestStarted RunContinued ModelRequestStarted") {
		t.Errorf("events %s", events)
	}
}

// hung is a worker that is in a model call.
type hung struct {
	goOn chan struct{}
	done chan error
}

// hang has the node "node" work for a run until the model is asked.
func (f *fixture) hang(t *testing.T, id string) hung {
	t.Helper()
	entered, h := make(chan struct{}), hung{make(chan struct{}), make(chan error, 1)}
	f.model.answer = func(ctx, func(string) error) (model.Response, error) {
		close(entered)
		<-h.goOn
		return model.Response{Content: "late"}, nil
	}
	work := f.claim(t, "node", id)
	go func() { h.done <- f.Work(t.Context(), work) }()
	<-entered
	f.journalled(t, id, host.EventModelRequestStarted)
	return h
}

// end lets the worker go on, which must do nothing.
func (h hung) end(t *testing.T) {
	t.Helper()
	close(h.goOn)
	if err := <-h.done; err != nil {
		t.Errorf("the lost worker: %v", err)
	}
}

// journalled waits for an event to be stored.
func (f *fixture) journalled(t *testing.T, id string, kind host.EventKind) {
	t.Helper()
	found := errors.New("found")
	err := f.Follow(t.Context(), id, 0, func(e host.Event) error {
		if e.Kind == kind {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Fatalf("no %s: %v", kind, err)
	}
}

// A worker that was taken for dead stops when the run begins once more on its
// own node.
func TestResumeOnTheSameNode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.accept(t, asks("hello")).ID
	entered := make(chan struct{})
	f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
		close(entered)
		<-c.Done()
		return model.Response{}, c.Err()
	}
	first := make(chan error, 1)
	work := f.claim(t, "node", id)
	go func() { first <- f.Work(t.Context(), work) }()
	<-entered
	f.lose(t, "other")
	again := f.claim(t, "node", id)
	f.model.answer = nil
	if err := f.Work(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Errorf("the first attempt: %v", err)
	}
	if run := f.stored(t, id); run.Status != host.RunCompleted || len(f.store.finishes) != 1 {
		t.Errorf("%d ends, run %+v", len(f.store.finishes), run)
	}
}

// Without a checkpoint the next worker begins at the beginning.
func TestLostBeforeTheCheckpoint(t *testing.T) {
	t.Parallel()
	f := newFixture(t, everywhere()...)
	id := f.accept(t, full()).ID
	f.claim(t, "node", id)
	f.lose(t, "other")
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(foreground(t, full()), written(t, f.store.finishes[0])); diff != "" {
		t.Errorf("written (-uninterrupted +again):\n%s", diff)
	}
	if events := f.events(t, id); events[0] != "RunStarted" || strings.Contains(fmt.Sprint(events), "RunContinued") {
		t.Errorf("events %v", events)
	}
}

func TestAttemptsUsedUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, guarded()...)
	id := f.accept(t, asks("hello")).ID
	f.claim(t, "node", id)
	f.useUp(t, id)
	want := []string{
		"input check skipped run_not_completed", "input log skipped run_not_completed",
		"output notify skipped run_not_completed", "agent_shutdown end skipped run_not_completed",
	}
	if diff := cmp.Diff(want, f.calls(t, id)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if run := f.stored(t, id); run.Input != nil || len(f.model.requests) != 0 {
		t.Errorf("input %s, %d requests", run.Input, len(f.model.requests))
	}
}

func TestAttemptsUsedUpAfterTheCheckpoint(t *testing.T) {
	t.Parallel()
	f := newFixture(t, guarded()...)
	id := f.accept(t, asks("hello")).ID
	lost := f.hang(t, id)
	defer lost.end(t)
	f.useUp(t, id)
	want := []string{
		"input check completed", "input log queued",
		"output notify skipped run_not_completed", "agent_shutdown end completed",
	}
	if diff := cmp.Diff(want, f.calls(t, id)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if run := f.stored(t, id); run.Input == nil || len(f.model.requests) != 1 {
		t.Errorf("input %s, %d requests", run.Input, len(f.model.requests))
	}
}

func guarded() []boundHook {
	return []boundHook{
		blocking(pluginapi.PointInput, "check", says(allow)), background(pluginapi.PointInput, "log"),
		background(pluginapi.PointOutput, "notify"), blocking(pluginapi.PointAgentShutdown, "end", says(allow)),
	}
}

// useUp loses the worker that has the run and two more; the next one is to end it.
func (f *fixture) useUp(t *testing.T, id string) {
	t.Helper()
	f.lose(t, "other")
	for range 2 {
		f.claim(t, "other", id)
		f.lose(t, "node")
	}
	next := f.node(t, func(*engine.Config) {})
	if err := next.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	run := f.stored(t, id)
	if run.Status != host.RunError || run.Failure.Type != host.FailureWorkerLost || !strings.Contains(run.Failure.Message, "3 times") {
		t.Errorf("run %+v", run)
	}
	if events := f.events(t, id); events[len(events)-1] != "RunError" {
		t.Errorf("events %v", events)
	}
}

// A stopping node leaves its runs to others, with all they have come to.
func TestStoppedWorkIsGivenBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, everywhere()...)
	id := f.accept(t, full()).ID
	c, stop := context.WithCancelCause(t.Context())
	f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
		stop(pool.ErrStopped)
		<-c.Done()
		return model.Response{}, c.Err()
	}
	work := f.claim(t, "node", id)
	if err := f.Work(c, work); !errors.Is(err, pool.ErrStopped) {
		t.Fatalf("error %v", err)
	}
	if err := f.store.ReleaseRun(t.Context(), id, work.Run.Attempt); err != nil {
		t.Fatal(err)
	}
	f.model.answer = nil
	again := f.claim(t, "other", id)
	if again.Run.Attempt != 1 || again.NextEvent != 4 {
		t.Errorf("attempt %d, %d events", again.Run.Attempt, again.NextEvent)
	}
	if err := f.Work(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(foreground(t, full()), written(t, f.store.finishes[0])); diff != "" {
		t.Errorf("written (-uninterrupted +resumed):\n%s", diff)
	}
}

func TestRunTimeout(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"), background(pluginapi.PointOutput, "notify"))
	id := f.accept(t, asks("hello")).ID
	f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
		<-c.Done()
		return model.Response{}, fmt.Errorf("oracle: %w", c.Err())
	}
	e := f.node(t, func(c *engine.Config) { c.RunTimeout = 20 * time.Millisecond })
	if err := e.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	run := f.stored(t, id)
	if run.Status != host.RunError || run.Failure.Type != host.FailureTimeout || !strings.Contains(run.Failure.Message, "20ms") {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
	if diff := cmp.Diff([]string{"input log queued", "output notify skipped run_not_completed"}, f.calls(t, id)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestPanicOfABackgroundRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.model.answer = func(ctx, func(string) error) (model.Response, error) { panic("oracle") }
	run := f.background(t, asks("hello"))
	if run.Status != host.RunError || run.Failure.Message != "The run failed inside the host." {
		t.Errorf("run %+v", run)
	}
}

func TestUnreadableWork(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*host.RunWork){
		"nothing":            func(w *host.RunWork) { w.Request = nil },
		"a broken one":       func(w *host.RunWork) { w.Checkpoint = json.RawMessage(`[]`) },
		"of another machine": func(w *host.RunWork) { w.Run.Component.ID = "gone" },
	} {
		f := newFixture(t)
		work := f.claim(t, "node", f.accept(t, asks("hello")).ID)
		change(&work)
		if err := f.Work(t.Context(), work); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if run := f.stored(t, work.Run.ID); run.Status != host.RunError || run.Failure.Type != "agent_run_error" {
			t.Errorf("%s: run %+v", name, run)
		}
	}
}

// What the store does not take at the end another worker has to offer again.
func TestBackgroundRunCannotBeStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"))
	id := f.accept(t, asks("hello")).ID
	broken := errors.New("disk broken")
	f.store.finishing = func(host.Finish) error { return broken }
	work := f.claim(t, "node", id)
	if err := f.Work(t.Context(), work); !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	if got := f.pool.Reserve("another", 100); got != 10 {
		t.Errorf("the pool has room for %d", got)
	}
	f.store.finishing = nil
	if err := f.store.ReleaseRun(t.Context(), id, work.Run.Attempt); err != nil {
		t.Fatal(err)
	}
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	if run := f.stored(t, id); run.Status != host.RunCompleted {
		t.Errorf("run %+v", run)
	}
	if diff := cmp.Diff([]string{"input log queued"}, f.calls(t, id)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if err := f.Repair(t.Context()); err != nil { // of calls that were never stored
		t.Error(err)
	}
}

// What the store refuses of every worker must not be worked for again.
func TestBackgroundRunTheStoreRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"))
	f.store.finishing = func(finish host.Finish) error {
		if len(finish.Calls) > 0 {
			return errors.New("no such character")
		}
		return nil
	}
	run := f.background(t, asks("hello"))
	if run.Status != host.RunError || run.Failure.Type != "storage_error" || run.Messages != nil {
		t.Errorf("run %+v", run)
	}
	if events := f.events(t, run.ID); events[len(events)-1] != "RunError" {
		t.Errorf("events %v", events)
	}
}

// The store is asked again where it could not be read.
func TestStoreCannotBeReadForABackgroundRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.accept(t, asks("hello")).ID
	broken := errors.New("disk broken")
	f.store.reading = func() error { return broken }
	if err := f.Work(t.Context(), f.claim(t, "node", id)); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if run := f.stored(t, id); run.Status != host.RunRunning {
		t.Errorf("run %+v", run)
	}
}
