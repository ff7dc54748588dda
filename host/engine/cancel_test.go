package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestCancelledDuringTheModel(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		background(pluginapi.PointInput, "log"), background(pluginapi.PointOutput, "notify"),
		blocking(pluginapi.PointAgentShutdown, "end", says(allow)))
	c, cancel := context.WithCancel(t.Context())
	f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
		cancel()
		<-c.Done()
		return model.Response{Content: "half"}, fmt.Errorf("oracle: %w", c.Err())
	}
	var s stream
	req := asks("hello")
	req.Events = s.send
	run, err := f.Run(c, req)
	if err != nil || run.Status != host.RunCancelled || run.Failure != nil {
		t.Fatalf("run %+v, %v", run, err)
	}
	if host.Text(run.Content) != "Run "+run.ID+" was cancelled" || string(run.Input) != `"hello"` {
		t.Errorf("content %s, input %s", run.Content, run.Input)
	}
	if diff := cmp.Diff([]string{"RunStarted", "ModelRequestStarted", "RunCancelled", "RunCompleted"}, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	want := []string{"input log queued", "output notify skipped cancelled", "agent_shutdown end completed"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if end := f.hooks.at(pluginapi.PointAgentShutdown); len(end) != 1 || end[0].Summary.Reason != "cancelled" {
		t.Errorf("shutdown %+v", end)
	}
}

func TestCancelledDuringAHook(t *testing.T) {
	t.Parallel()
	for _, point := range []pluginapi.Point{pluginapi.PointInput, pluginapi.PointOutput} {
		c, cancel := context.WithCancel(t.Context())
		f := newFixture(t,
			background(point, "log"),
			blocking(point, "slow", func(c ctx, _ pluginapi.Context) (string, error) {
				cancel()
				<-c.Done()
				return "", &host.CallError{Code: host.CallCancelled, Message: "cancelled", Err: c.Err()}
			}),
			blocking(point, "next", says(allow)))
		f.model.answer = answers(secret)
		run, err := f.Run(c, asks("hello"))
		if err != nil || run.Status != host.RunCancelled {
			t.Fatalf("%s: run %+v, %v", point, run, err)
		}
		if permitted := point == pluginapi.PointOutput; (run.Input != nil) != permitted {
			t.Errorf("%s: input %s", point, run.Input)
		}
		at := string(point)
		want := []string{at + " log skipped cancelled", at + " slow cancelled", at + " next skipped cancelled"}
		if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if f.store.contains(t, secret) {
			t.Errorf("%s: an answer nobody permitted was stored", point)
		}
	}
}

// A refusal stays one, even if the client leaves while it is made.
func TestRefusedAndCancelled(t *testing.T) {
	t.Parallel()
	c, cancel := context.WithCancel(t.Context())
	f := newFixture(t, background(pluginapi.PointInput, "log"),
		blocking(pluginapi.PointInput, "guard", func(ctx, pluginapi.Context) (string, error) {
			cancel()
			return deny, nil
		}))
	run, err := f.Run(c, asks("hello"))
	if err != nil || run.Status != host.RunError || run.Failure == nil || !run.Failure.Refused {
		t.Errorf("run %+v, %v", run, err)
	}
	want := []string{"input log skipped run_refused", "input guard completed forbidden"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A permit counts too: what waited for it is called.
func TestPermittedAndCancelled(t *testing.T) {
	t.Parallel()
	c, cancel := context.WithCancel(t.Context())
	f := newFixture(t, background(pluginapi.PointInput, "log"),
		blocking(pluginapi.PointInput, "guard", func(ctx, pluginapi.Context) (string, error) {
			cancel()
			return allow, nil
		}))
	run, err := f.Run(c, asks("hello"))
	if err != nil || run.Status != host.RunCancelled || string(run.Input) != `"hello"` || len(f.model.requests) != 0 {
		t.Errorf("run %+v, %v", run, err)
	}
	want := []string{"input log queued", "input guard completed"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestClientGoneWhileStreaming(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"), background(pluginapi.PointOutput, "notify"))
	broken := errors.New("broken pipe")
	deltas := 0
	s := stream{on: func(e host.Event) error {
		if e.Kind != host.EventRunContent {
			return nil
		}
		if deltas++; deltas == 2 {
			return broken
		}
		return nil
	}}
	req := asks("one two three four")
	req.Events = s.send
	run := f.run(t, req)
	if run.Status != host.RunCancelled || deltas != 2 {
		t.Errorf("after %d deltas: %+v", deltas, run)
	}
	if last := s.events[len(s.events)-1]; last.Kind != host.EventRunContent {
		t.Errorf("%s was sent to nobody", last.Kind)
	}
	want := []string{"input log queued", "output notify skipped cancelled"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := f.stored(t, run.ID); got.Status != host.RunCancelled {
		t.Errorf("stored %+v", got)
	}
}

func TestClientGoneBeforeTheModel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := stream{on: func(host.Event) error { return errors.New("broken pipe") }}
	req := asks("hello")
	req.Events = s.send
	run := f.run(t, req)
	if run.Status != host.RunCancelled || len(f.model.requests) != 0 || len(s.events) != 1 {
		t.Errorf("%d requests, %d events, %+v", len(f.model.requests), len(s.events), run)
	}
}

// A client that leaves once everything is permitted loses nothing.
func TestClientGoneAtTheEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointOutput, "check", says(allow)), background(pluginapi.PointOutput, "notify"))
	s := stream{on: func(e host.Event) error {
		if e.Kind == host.EventRunContent {
			return errors.New("broken pipe")
		}
		return nil
	}}
	req := asks("hello")
	req.Events = s.send
	run := f.run(t, req)
	if run.Status != host.RunCompleted || string(f.stored(t, run.ID).Content) != `"hello"` {
		t.Errorf("run %+v", run)
	}
	if diff := cmp.Diff([]string{"output check completed", "output notify queued"}, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
