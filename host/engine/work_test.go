package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
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

// stopIn has a worker begin a run and give it back when worker ends, before the run has.
func (f *fixture) stopIn(t *testing.T, worker context.Context, id string) {
	t.Helper()
	work := f.claim(t, "node", id)
	if err := f.Work(worker, work); err == nil {
		t.Fatal("the worker was not stopped")
	}
	if err := f.store.ReleaseRun(t.Context(), id, work.Run.Attempt); err != nil {
		t.Fatal(err)
	}
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

func TestRunTimeout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
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
	if events := f.events(t, id); events[len(events)-1] != "RunError" {
		t.Errorf("events %v", events)
	}
}

// A run that times out in a hook has failed; nobody cancelled it.
func TestRunTimeoutInAHook(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointOutput, "notify"),
		blocking(pluginapi.PointOutput, "check", func(c ctx, _ pluginapi.Context) (string, error) {
			<-c.Done()
			return "", c.Err()
		}))
	id := f.accept(t, asks("hello")).ID
	e := f.node(t, func(c *engine.Config) { c.RunTimeout = 20 * time.Millisecond })
	if err := e.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	if calls := f.calls(t, id); !slices.Contains(calls, "output notify skipped run_not_completed") {
		t.Errorf("calls %q", calls)
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

// What the store does not take at the end the worker offers again, without asking
// a hook or the model again.
func TestBackgroundRunWaitsForTheStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		blocking(pluginapi.PointOutput, "check", says(allow)), blocking(pluginapi.PointAgentShutdown, "end", says(allow)))
	refusals := 0
	f.store.finishing = func(host.Finish) error {
		if refusals++; refusals <= 5 { // the first offer, and two more with their bare ends
			return errors.New("no connection")
		}
		return nil
	}
	run := f.background(t, asks("hello"))
	if run.Status != host.RunCompleted || len(run.Messages) == 0 {
		t.Errorf("run %+v", run)
	}
	outputs, ends := len(f.hooks.at(pluginapi.PointOutput)), len(f.hooks.at(pluginapi.PointAgentShutdown))
	if outputs != 1 || ends != 1 || len(f.model.requests) != 1 {
		t.Errorf("%d calls at output, %d at agent_shutdown, %d requests to the model", outputs, ends, len(f.model.requests))
	}
}

// A store that cannot write for a moment, between any two writes, costs nobody an
// answer.
func TestBackgroundRunWaitsForAStoreThatCannotWrite(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	refusals := 0
	f.store.finishing = func(finish host.Finish) error {
		if refusals++; refusals <= 3 && finish.Run.Status == host.RunCompleted {
			return host.Errorf(host.CodeUnavailable, "read-only")
		}
		return nil
	}
	if run := f.background(t, asks("hello")); run.Status != host.RunCompleted || string(run.Content) != `"hello"` {
		t.Errorf("run %+v", run)
	}
}

// What the store does not take until its worker is stopped another one offers.
func TestBackgroundRunCannotBeStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"))
	id := f.accept(t, asks("hello")).ID
	broken := errors.New("disk broken")
	worker, stop := context.WithCancel(t.Context())
	f.store.finishing = func(host.Finish) error {
		stop()
		return broken
	}
	work := f.claim(t, "node", id)
	if err := f.Work(worker, work); !errors.Is(err, broken) {
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
