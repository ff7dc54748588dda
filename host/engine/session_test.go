package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

type ctx = context.Context

// answers makes a model say text.
func answers(text string) func(ctx, func(string) error) (model.Response, error) {
	return func(_ ctx, delta func(string) error) (model.Response, error) {
		if delta != nil {
			if err := delta(text); err != nil {
				return model.Response{}, err
			}
		}
		return model.Response{Content: text, FinishReason: "stop"}, nil
	}
}

// The model sees the last three COMPLETED runs, and nothing of the others.
func TestHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPreModelCall, "turns", says(allow)))
	for i := range 5 {
		f.run(t, asks(fmt.Sprint(i)))
	}
	f.model.answer = func(ctx, func(string) error) (model.Response, error) {
		return model.Response{}, &model.Error{Type: model.ErrorProvider, Message: "down"}
	}
	f.run(t, asks("failed"))
	f.model.answer = answers("fine")
	run := f.run(t, asks("last"))

	var got []string
	for _, m := range f.model.requests[6].Messages {
		got = append(got, m.Role+" "+host.Text(m.Content))
	}
	want := []string{
		"system Be brief.", "user 2", "assistant 2", "user 3", "assistant 3", "user 4", "assistant 4", "user last",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the model saw (-want +got):\n%s", diff)
	}
	if len(run.Messages) != 3 {
		t.Errorf("messages %+v", run.Messages)
	}
	for turn, c := range f.hooks.at(pluginapi.PointPreModelCall) {
		if c.Session.Turn == nil || *c.Session.Turn != turn {
			t.Errorf("turn %d is called %v", turn, c.Session.Turn)
		}
	}
}

func TestNoHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agent.HistoryRuns = 0
	f.run(t, asks("one"))
	f.run(t, asks("two"))
	if got := f.model.requests[1].Messages; len(got) != 2 {
		t.Errorf("the model saw %s", got)
	}
}

func TestSessionState(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointInput, "guard", func(_ ctx, c pluginapi.Context) (string, error) {
		if host.Text(c.Input.Content) == "bad" {
			return deny, nil
		}
		return allow, nil
	}))
	for _, step := range []struct{ message, state, want string }{
		{"none", ``, ``},
		{"first", `{"a":1,"b":{"x":1}}`, `{"a":1,"b":{"x":1}}`},
		{"bad", `{"a":9}`, `{"a":1,"b":{"x":1}}`},
		{"keep", ``, `{"a":1,"b":{"x":1}}`},
		{"merge", `{"b":{"y":2},"c":null}`, `{"a":1,"b":{"y":2},"c":null}`},
	} {
		req := asks(step.message)
		if step.state != "" {
			req.SessionState = json.RawMessage(step.state)
		}
		run := f.run(t, req)
		session, err := f.store.Session(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		if string(session.State) != step.want || string(run.SessionState) != step.want {
			t.Errorf("%s: the state is %s, the run's %s", step.message, session.State, run.SessionState)
		}
	}
}

func TestOwnSessionForEachRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	req := asks("hello")
	req.SessionID = ""
	one, two := f.run(t, req), f.run(t, req)
	if one.SessionID == "" || one.SessionID == two.SessionID {
		t.Errorf("sessions %q, %q", one.SessionID, two.SessionID)
	}
}

// gated makes a model wait for its turn to go on; it tells who is there by the
// text of the request.
type gated struct {
	entered chan string
	goOn    chan struct{}
}

func newGated(f *fixture) *gated {
	g := &gated{entered: make(chan string), goOn: make(chan struct{})}
	f.model.answer = func(c ctx, _ func(string) error) (model.Response, error) {
		f.model.mu.Lock()
		messages := f.model.requests[len(f.model.requests)-1].Messages
		f.model.mu.Unlock()
		g.entered <- host.Text(messages[len(messages)-1].Content)
		select {
		case <-g.goOn:
			return model.Response{Content: "done"}, nil
		case <-c.Done():
			return model.Response{}, fmt.Errorf("gated: %w", c.Err())
		}
	}
	return g
}

// ended is what became of a run.
type ended struct {
	run host.Run
	err error
}

// start runs a request in the background.
func (f *fixture) start(c context.Context, req host.RunRequest) <-chan ended {
	out := make(chan ended, 1)
	go func() {
		run, err := f.Run(c, req)
		out <- ended{run, err}
	}()
	return out
}

// begin starts a run that must wait, and returns when it does.
func (f *fixture) begin(t *testing.T, c context.Context, text string) <-chan ended {
	t.Helper()
	req := asks(text)
	req.RunID = text
	out := f.start(c, req)
	if got := <-f.store.waits; got != text {
		t.Errorf("%q waits instead of %q", got, text)
	}
	return out
}

func TestRunsOfASessionWaitInOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	g := newGated(f)
	first := f.start(t.Context(), asks("0"))
	<-g.entered
	waiting := []<-chan ended{f.begin(t, t.Context(), "1"), f.begin(t, t.Context(), "2"), f.begin(t, t.Context(), "3")}

	// Another session does not wait.
	req := asks("other")
	req.SessionID = "t"
	other := f.start(t.Context(), req)
	if got := <-g.entered; got != "other" {
		t.Fatalf("%q instead of the other session", got)
	}
	g.goOn <- struct{}{}
	g.goOn <- struct{}{}
	<-first
	<-other
	for i, w := range waiting {
		if got := <-g.entered; got != fmt.Sprint(i+1) {
			t.Errorf("%q came as number %d", got, i+1)
		}
		g.goOn <- struct{}{}
		if end := <-w; end.err != nil || end.run.Status != host.RunCompleted {
			t.Errorf("run %d: %+v, %v", i+1, end.run, end.err)
		}
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, f.store.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"), background(pluginapi.PointAgentShutdown, "end"))
	g := newGated(f)
	first := f.start(t.Context(), asks("0"))
	<-g.entered
	gone := errors.New("the client left")
	c, cancel := context.WithCancelCause(t.Context())
	one, two := f.begin(t, c, "1"), f.begin(t, t.Context(), "2")
	cancel(gone)
	end := <-one
	if end.err != nil || end.run.Status != host.RunCancelled || end.run.Input != nil {
		t.Errorf("%+v, %v", end.run, end.err)
	}
	want := []string{"input log skipped cancelled", "agent_shutdown end skipped cancelled"}
	if diff := cmp.Diff(want, f.calls(t, "1")); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if run := f.stored(t, "2"); run.Status != host.RunPending {
		t.Errorf("the next one is %s while the first still runs", run.Status)
	}
	g.goOn <- struct{}{}
	<-first
	if got := <-g.entered; got != "2" {
		t.Errorf("%q came next", got)
	}
	g.goOn <- struct{}{}
	if end := <-two; end.run.Status != host.RunCompleted {
		t.Errorf("run %+v", end.run)
	}
}

// A run whose id is taken leaves the queue it waits in.
func TestConflictWhileWaiting(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	g := newGated(f)
	req := asks("0")
	req.RunID = "taken"
	first := f.start(t.Context(), req)
	<-f.store.waits
	<-g.entered
	if _, err := f.Run(t.Context(), req); host.CodeOf(err) != host.CodeConflict {
		t.Errorf("error %v", err)
	}
	two := f.begin(t, t.Context(), "2")
	g.goOn <- struct{}{}
	<-first
	<-g.entered
	g.goOn <- struct{}{}
	if end := <-two; end.err != nil || end.run.Status != host.RunCompleted {
		t.Errorf("%+v, %v", end.run, end.err)
	}
}
