package plugin_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// vanishing is a plugin whose blocking hook asks a server for its verdict, and
// whose background hook answers nothing.
const vanishing = `manifest_version: 1
name: vanishing
version: 1.0.0
hooks:
  - {name: ask, point: input, export: ask, mode: blocking}
  - {name: note, point: output, export: note, mode: background}
permissions: {http: {hosts_from: [url], reason: asks}}
`

// stage is a registry and a dispatcher over a real store and a real runtime,
// with the plugin vanishing bound to every run.
type stage struct {
	store    *sqlite.Store
	registry *plugin.Registry
	hooks    *hook.Dispatcher
	// asked gets a token for each request of the blocking hook, which is answered
	// once answer is closed.
	asked  chan struct{}
	answer chan struct{}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{store: newStore(t), asked: make(chan struct{}, 10), answer: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked <- struct{}{}
		select {
		case <-s.answer:
			io.WriteString(w, `{"decision":"allow","reason":"asked"}`)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	s.registry = newRegistry(t, plugin.Config{Store: s.store})
	module := guesttest.Module(t, map[string]guesttest.Hook{
		"ask": guesttest.Requests(`{"url":"` + server.URL + `"}`), "note": guesttest.Answers(""),
	})
	activate(t, s.registry, []byte(vanishing), module, pluginapi.PermissionHTTP)
	binding := host.Binding{Plugin: "vanishing", Config: json.RawMessage(`{"url":"` + server.URL + `"}`)}
	if err := s.registry.PutBindings(t.Context(), host.HostWide, []host.Binding{binding}); err != nil {
		t.Fatal(err)
	}
	var err error
	s.hooks, err = hook.NewDispatcher(hook.Config{Caller: s.registry, Bindings: s.registry, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// emit passes a point with the hooks of a plan.
func (s *stage) emit(t *testing.T, plan *hook.Plan, point pluginapi.Point) hook.Result {
	t.Helper()
	text := json.RawMessage(`"hi"`)
	c := pluginapi.Context{
		Spec: pluginapi.Spec, Point: point, Timestamp: time.Now(), Sequence: 1,
		Agent: pluginapi.Agent{ID: "a", Framework: pluginapi.Framework}, Session: pluginapi.Session{ID: "run"},
		Input: &pluginapi.Input{Content: text, Role: "user"}, Output: &pluginapi.Output{Content: text},
		Extensions: pluginapi.Extensions{Snaphook: &pluginapi.Extension{}},
	}
	result, err := s.hooks.Emit(t.Context(), hook.Emission{Plan: plan, Context: c, Run: hook.RunRef{ID: "run"}})
	if err != nil {
		t.Error(err)
	}
	return result
}

// outcome is how the only blocking hook ended, and why.
func outcome(t *testing.T, result hook.Result) []string {
	t.Helper()
	if len(result.Calls) != 1 {
		t.Fatalf("%d calls", len(result.Calls))
	}
	call := result.Calls[0]
	lines := []string{string(call.Outcome), call.Reason, call.Message}
	if call.Error != nil {
		lines = append(lines, call.Error.Code+": "+call.Error.Message)
	}
	return lines
}

// A run whose plugin is deleted by force while its hook runs gets the answer; a
// run that has begun, and one that begins later, is refused and says why.
func TestDeleteWhileCalled(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	plan := s.hooks.Plan(greeter, "")
	results := make(chan hook.Result)
	go func() { results <- s.emit(t, plan, pluginapi.PointInput) }()
	<-s.asked
	if err := s.registry.Delete(t.Context(), "vanishing", "1.0.0", true); err != nil {
		t.Fatal(err)
	}
	close(s.answer)
	if diff := cmp.Diff([]string{"allowed", "asked", ""}, outcome(t, <-results)); diff != "" {
		t.Errorf("the call that ran (-want +got):\n%s", diff)
	}
	began := []string{
		"failed_closed", hook.ReasonInterceptorFailed, "The hook vanishing.ask failed (unavailable).",
		"unavailable: the plugin is not installed",
	}
	if diff := cmp.Diff(began, outcome(t, s.emit(t, plan, pluginapi.PointInput))); diff != "" {
		t.Errorf("a run that has begun (-want +got):\n%s", diff)
	}
	later := []string{
		"failed_closed", hook.ReasonInterceptorFailed, "The hook vanishing failed (unavailable).",
		"unavailable: the plugin has no active version with this hook",
	}
	got := s.emit(t, s.hooks.Plan(greeter, ""), pluginapi.PointInput)
	if diff := cmp.Diff(later, outcome(t, got)); diff != "" || !got.Denied() {
		t.Errorf("a run that begins later (-want +got):\n%s", diff)
	}
}

// After a forced deactivation the hooks are known: the blocking one denies at its
// point, the background one is skipped. Activated again they work.
func TestDeactivateBound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	close(s.answer)
	if _, err := s.registry.Deactivate(t.Context(), "vanishing", "1.0.0", true); err != nil {
		t.Fatal(err)
	}
	plan := s.hooks.Plan(greeter, "")
	want := []string{
		"failed_closed", hook.ReasonInterceptorFailed, "The hook vanishing.ask failed (unavailable).",
		"unavailable: the plugin has no active version with this hook",
	}
	if diff := cmp.Diff(want, outcome(t, s.emit(t, plan, pluginapi.PointInput))); diff != "" {
		t.Errorf("blocking (-want +got):\n%s", diff)
	}
	late := s.emit(t, plan, pluginapi.PointOutput)
	if late.Denied() || len(late.Background) != 1 || !late.Background[0].Missing {
		t.Errorf("background: %+v", late)
	}
	if _, err := s.registry.Activate(t.Context(), "vanishing", "1.0.0", []pluginapi.Permission{pluginapi.PermissionHTTP}, false); err != nil {
		t.Fatal(err)
	}
	if got := s.emit(t, s.hooks.Plan(greeter, ""), pluginapi.PointInput); got.Denied() || got.Calls[0].Outcome != host.OutcomeAllowed {
		t.Errorf("activated again: %+v", got)
	}
}

// A version whose background call is not final cannot be deleted, not even by
// force. A call that lost its plugin all the same fails and says why.
func TestDeleteWithQueuedCalls(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	plan := s.hooks.Plan(greeter, "")
	result := s.emit(t, plan, pluginapi.PointOutput)
	at := hook.Occasion{Run: hook.RunRef{ID: "run", SessionID: "session"}, Point: pluginapi.PointOutput, Sequence: 1}
	call := s.hooks.Queued(result.Background[0], at, "snapshot", host.Lease{Owner: "node"})
	snapshot, err := hook.Snapshot(&result.Context)
	if err != nil {
		t.Fatal(err)
	}
	run := host.Run{ID: "run", RootID: "run", SessionID: "session", Attempt: 1, Status: host.RunRunning, CreatedAt: time.Now()}
	if err := s.store.CreateRun(t.Context(), host.NewRun{Run: run, Wait: true}); err != nil {
		t.Fatal(err)
	}
	run.Status = host.RunCompleted
	finish := host.Finish{
		Run: run, Calls: []host.HookCall{call}, Snapshots: []host.Snapshot{{ID: "snapshot", RunID: "run", Context: snapshot}},
	}
	if err := s.store.FinishRun(t.Context(), finish); err != nil {
		t.Fatal(err)
	}
	err = s.registry.Delete(t.Context(), "vanishing", "1.0.0", true)
	if host.CodeOf(err) != host.CodeConflict {
		t.Errorf("delete with a queued call: %v", err)
	}
	if diff := cmp.Diff([]string{"vanishing 1.0.0 active"}, status(s.registry)); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	done := s.hooks.Deliver(t.Context(), call, snapshot, host.Services{})
	if done.Error != nil {
		t.Errorf("the call failed: %+v", done.Error)
	}
	done.Status = host.HookCallCompleted
	if err := s.store.FinishHookCall(t.Context(), call.Attempt, done); err != nil {
		t.Fatal(err)
	}
	if err := s.registry.Delete(t.Context(), "vanishing", "1.0.0", true); err != nil {
		t.Errorf("delete when it is final: %v", err)
	}
	lost := s.hooks.Deliver(t.Context(), call, snapshot, host.Services{})
	want := &host.HookError{Code: "unavailable", Message: "the plugin is not installed"}
	if diff := cmp.Diff(want, lost.Error); diff != "" {
		t.Errorf("a call without its plugin (-want +got):\n%s", diff)
	}
}
