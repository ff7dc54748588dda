package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// cancel cancels a run.
func (f *fixture) cancel(t *testing.T, id string) {
	t.Helper()
	if err := f.Cancel(t.Context(), id); err != nil {
		t.Errorf("cancel: %v", err)
	}
}

// wantCancelled checks the whole of a run that nobody got anything of.
func (f *fixture) wantCancelled(t *testing.T, id string, calls ...string) {
	t.Helper()
	run := f.stored(t, id)
	if run.Status != host.RunCancelled || run.Failure != nil || host.Text(run.Content) != "Run "+id+" was cancelled" {
		t.Errorf("run %+v", run)
	}
	if diff := cmp.Diff(append([]string{}, calls...), f.calls(t, id)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCancelPending(t *testing.T) {
	t.Parallel()
	f := newFixture(t, everywhere()[:4]...)
	id := f.accept(t, asks("hello")).ID
	f.cancel(t, id)
	f.wantCancelled(t, id,
		"agent_startup check-agent_startup skipped cancelled", "agent_startup log-agent_startup skipped cancelled",
		"input check-input skipped cancelled", "input log-input skipped cancelled")
	if len(f.hooks.seen) != 0 || len(f.model.requests) != 0 || f.stored(t, id).Input != nil {
		t.Error("the run began")
	}
	if diff := cmp.Diff([]string{"RunCancelled", "RunCompleted"}, f.events(t, id)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A run that waits for another one of its session need not wait any more.
func TestCancelPendingBehindAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.accept(t, asks("1")).ID, f.accept(t, asks("2")).ID
	f.cancel(t, second)
	f.wantCancelled(t, second)
	if run := f.stored(t, first); run.Status != host.RunPending {
		t.Errorf("the first one is %s", run.Status)
	}
}

func TestCancelNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cancel(t, "unknown")
	run := f.run(t, asks("hello"))
	f.cancel(t, run.ID)
	if got := f.stored(t, run.ID); got.Status != host.RunCompleted {
		t.Errorf("run %+v", got)
	}
}

// A cancel may come before its run: nothing is begun.
func TestCancelBeforeTheRun(t *testing.T) {
	t.Parallel()
	for _, parallel := range []bool{false, true} {
		f := newFixture(t, everywhere()[:4]...)
		f.agent.ParallelSessions = parallel
		f.cancel(t, "early")
		req := asks("hello")
		req.RunID = "early"
		if run := f.run(t, req); run.Status != host.RunCancelled {
			t.Errorf("run %+v", run)
		}
		f.wantCancelled(t, "early",
			"agent_startup check-agent_startup skipped cancelled", "agent_startup log-agent_startup skipped cancelled",
			"input check-input skipped cancelled", "input log-input skipped cancelled")
		if len(f.hooks.seen) != 0 || len(f.model.requests) != 0 {
			t.Errorf("parallel %v: the run began", parallel)
		}
	}
}

// blocked makes a run wait where it is until it is cancelled.
func blocked(entered chan<- string) func(context.Context) error {
	return func(c context.Context) error {
		entered <- ""
		<-c.Done()
		return fmt.Errorf("interrupted: %w", c.Err())
	}
}

func TestCancelInTheModelAndInAHook(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"model", "hook"} {
		for _, detached := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, background %v", where, detached), func(t *testing.T) {
				t.Parallel()
				entered := make(chan string)
				wait := blocked(entered)
				f := newFixture(t, blocking(pluginapi.PointInput, "guard", func(c ctx, _ pluginapi.Context) (string, error) {
					if where == "hook" {
						return "", &host.CallError{Code: host.CallCancelled, Err: wait(c)}
					}
					return allow, nil
				}))
				f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
					return model.Response{}, wait(c)
				}
				id, ended := f.goOn(t, detached)
				<-entered
				f.cancel(t, id)
				if err := <-ended; err != nil {
					t.Error(err)
				}
				call := "input guard completed"
				if where == "hook" {
					call = "input guard cancelled"
				}
				f.wantCancelled(t, id, call)
			})
		}
	}
}

// goOn has a run go on, with a client that waits or without.
func (f *fixture) goOn(t *testing.T, detached bool) (id string, ended <-chan error) {
	t.Helper()
	done := make(chan error, 1)
	if detached {
		run := f.accept(t, asks("hello"))
		work := f.claim(t, "node", run.ID)
		go func() { done <- f.Work(t.Context(), work) }()
		return run.ID, done
	}
	req := asks("hello")
	req.RunID = "named"
	go func() {
		_, err := f.Run(t.Context(), req)
		done <- err
	}()
	return "named", done
}

// Another node's cancel is heard by signal, or told when leases are renewed.
func TestCancelFromAnotherNode(t *testing.T) {
	t.Parallel()
	for name, hear := range map[string]func(e *engine.Engine, id string){
		"signal": func(e *engine.Engine, id string) { e.Receive(host.Signal{Kind: host.SignalCancel, ID: id}) },
		"renewal": func(e *engine.Engine, id string) {
			if err := e.Cancelled(t.Context(), []string{"another", id}); err != nil {
				t.Error(err)
			}
		},
	} {
		f := newFixture(t)
		entered := make(chan string)
		f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
			return model.Response{}, blocked(entered)(c)
		}
		id, ended := f.goOn(t, true)
		<-entered
		other := f.node(t, func(c *engine.Config) { c.Node = "other" })
		if err := other.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if run := f.stored(t, id); run.Status != host.RunRunning {
			t.Fatalf("%s: run %+v", name, run)
		}
		hear(f.Engine, id)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		f.wantCancelled(t, id)
	}
}

// A cancel that was answered prevails over an answer that is not stored yet, by
// whichever node it was answered.
func TestCancelBeforeTheFinalCommit(t *testing.T) {
	t.Parallel()
	for _, detached := range []bool{false, true} {
		f := newFixture(t,
			background(pluginapi.PointInput, "log"), background(pluginapi.PointOutput, "notify"),
			background(pluginapi.PointAgentShutdown, "end"))
		other := f.node(t, func(c *engine.Config) { c.Node = "other" })
		cancelled := false
		f.store.finishing = func(finish host.Finish) error {
			if cancelled {
				return nil
			}
			cancelled = true
			return other.Cancel(t.Context(), finish.Run.ID)
		}
		id, ended := f.goOn(t, detached)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		f.wantCancelled(t, id, "input log queued", "output notify skipped cancelled", "agent_shutdown end queued")
		run := f.stored(t, id)
		if last := run.Messages[len(run.Messages)-1]; last.Role != "user" {
			t.Errorf("messages %+v", run.Messages)
		}
		if end := snapshots(t, f.store.finishes[0])[pluginapi.PointAgentShutdown]; end.Summary.Reason != "cancelled" {
			t.Errorf("summary %+v", end.Summary)
		}
	}
}

// However a cancel meets the end of a run, one that was answered before the end
// was written prevails.
func TestCancelRacesWithTheEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var writing atomic.Bool
	f.store.finishing = func(host.Finish) error {
		writing.Store(true)
		return nil
	}
	f.model.answer = answers("done")
	for range 40 {
		writing.Store(false)
		id := f.accept(t, asks("hello")).ID
		work := f.claim(t, "node", id)
		ended := make(chan error, 1)
		go func() { ended <- f.Work(t.Context(), work) }()
		f.cancel(t, id)
		early := !writing.Load()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if run := f.stored(t, id); !run.Status.Final() || early && run.Status != host.RunCancelled {
			t.Errorf("early %v, run %+v", early, run)
		}
	}
}

// lingering is a hook that ends when it is interrupted; it tells of its context.
func lingering(entered chan<- context.Context) guest {
	return func(c ctx, _ pluginapi.Context) (string, error) {
		entered <- c
		<-c.Done()
		return "", &host.CallError{Code: host.CallCancelled, Message: "cancelled", Err: c.Err()}
	}
}

// A cancel that comes while hooks of agent_shutdown run ends them, and the run
// CANCELLED.
func TestCancelInShutdown(t *testing.T) {
	t.Parallel()
	for _, detached := range []bool{false, true} {
		entered := make(chan context.Context)
		f := newFixture(t,
			blocking(pluginapi.PointAgentShutdown, "slow", lingering(entered)),
			blocking(pluginapi.PointAgentShutdown, "next", says(allow)),
			background(pluginapi.PointOutput, "notify"))
		id, ended := f.goOn(t, detached)
		<-entered
		f.cancel(t, id)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		f.wantCancelled(t, id, "output notify skipped cancelled",
			"agent_shutdown slow cancelled", "agent_shutdown next skipped cancelled")
	}
}

// Hooks of agent_shutdown follow a cancel undisturbed, however often it is heard
// of, until somebody asks once more.
func TestCancelBeforeAndInShutdown(t *testing.T) {
	t.Parallel()
	for _, detached := range []bool{false, true} {
		asked, entered := make(chan string), make(chan context.Context)
		f := newFixture(t, blocking(pluginapi.PointAgentShutdown, "slow", lingering(entered)))
		f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
			return model.Response{}, blocked(asked)(c)
		}
		id, ended := f.goOn(t, detached)
		<-asked
		f.cancel(t, id)
		inHook := <-entered
		f.Receive(host.Signal{Kind: host.SignalCancel, ID: id})
		if err := f.Cancelled(t.Context(), []string{id}); err != nil {
			t.Error(err)
		}
		if inHook.Err() != nil {
			t.Errorf("background %v: the hook was ended by the cancel it follows", detached)
		}
		f.cancel(t, id)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		f.wantCancelled(t, id, "agent_shutdown slow cancelled")
	}
}

// A refusal that is cancelled is CANCELLED, and keeps what a refusal keeps.
func TestCancelARefusedRun(t *testing.T) {
	t.Parallel()
	var f *fixture
	f = newFixture(t, background(pluginapi.PointInput, "log"),
		blocking(pluginapi.PointInput, "guard", func(_ ctx, c pluginapi.Context) (string, error) {
			return deny, f.Cancel(t.Context(), c.Session.ID)
		}))
	run := f.run(t, asks(secret))
	if string(run.Input) != `"[refused: forbidden]"` {
		t.Errorf("input %s", run.Input)
	}
	f.wantCancelled(t, run.ID, "input log skipped run_refused", "input guard completed forbidden")
	if f.store.contains(t, secret) {
		t.Error("something of the input was stored")
	}
}

// What its client has got stays the content of a cancelled run.
func TestCancelledWithAPart(t *testing.T) {
	t.Parallel()
	for _, detached := range []bool{false, true} {
		f := newFixture(t)
		entered := make(chan string)
		f.model.answer = func(c ctx, delta func(string) error) (model.Response, error) {
			if err := errors.Join(delta("half "), delta("an answer")); err != nil {
				return model.Response{}, err
			}
			return model.Response{}, blocked(entered)(c)
		}
		req := asks("hello")
		req.RunID, req.Deltas = "named", true
		var s stream
		ended := make(chan error, 1)
		if detached {
			f.accept(t, req)
			work := f.claim(t, "node", "named")
			go func() { ended <- f.Work(t.Context(), work) }()
		} else {
			req.Events = s.send
			go func() {
				_, err := f.Run(t.Context(), req)
				ended <- err
			}()
		}
		<-entered
		f.cancel(t, "named")
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if detached {
			if err := f.Follow(t.Context(), "named", 0, s.send); err != nil {
				t.Fatal(err)
			}
		}
		if run := f.stored(t, "named"); run.Status != host.RunCancelled || string(run.Content) != `"half an answer"` {
			t.Errorf("run %+v", run)
		}
		want := []string{"RunStarted", "ModelRequestStarted", "RunContent", "RunCancelled", "RunCompleted"}
		if diff := cmp.Diff(want, s.kinds()); diff != "" || s.content() != "half an answer" {
			t.Errorf("content %q, events (-want +got):\n%s", s.content(), diff)
		}
		if last := s.events[len(s.events)-1]; string(last.Run.Content) != `"half an answer"` {
			t.Errorf("last event %+v", last)
		}
	}
}
