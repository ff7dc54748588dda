package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

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
	if work.Lost != 1 || work.Request != nil || strings.Contains(string(work.Checkpoint), `"raw"`) {
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
	if run := f.stored(t, id); run.Status != host.RunCompleted || run.Attempt != 3 {
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
		"input check skipped worker_lost", "input log skipped worker_lost",
		"output notify skipped worker_lost", "agent_shutdown end skipped worker_lost",
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
		"output notify skipped worker_lost", "agent_shutdown end completed",
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

// A run that lost a worker more, the one that was to end it, ends without its hooks
// of agent_shutdown: they may be what kills the workers.
func TestAttemptsUsedUpByShutdown(t *testing.T) {
	t.Parallel()
	f := newFixture(t, guarded()...)
	id := f.accept(t, asks("hello")).ID
	lost := f.hang(t, id)
	defer lost.end(t)
	f.lose(t, "other")
	for range 3 {
		f.claim(t, "other", id)
		f.lose(t, "node")
	}
	next := f.node(t, func(*engine.Config) {})
	if err := next.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"input check completed", "input log queued",
		"output notify skipped worker_lost", "agent_shutdown end skipped worker_lost",
	}
	if diff := cmp.Diff(want, f.calls(t, id)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if run := f.stored(t, id); run.Status != host.RunError || run.Failure.Type != host.FailureWorkerLost {
		t.Errorf("run %+v", run)
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
	if again.Lost != 0 || again.NextEvent != 4 {
		t.Errorf("%d workers lost, %d events", again.Lost, again.NextEvent)
	}
	if err := f.Work(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(foreground(t, full()), written(t, f.store.finishes[0])); diff != "" {
		t.Errorf("written (-uninterrupted +resumed):\n%s", diff)
	}
}
