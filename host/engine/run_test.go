package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	h := &hooks{}
	log := slog.New(slog.DiscardHandler)
	d, err := hook.NewDispatcher(hook.Config{Caller: h, Bindings: h, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pool.New(pool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	valid := engine.Config{
		Store: &store{}, Hooks: d, Pool: p, Agents: []*host.Agent{{ID: "a", Model: "m"}},
		Models: map[string]model.Model{"m": &oracle{}}, Node: "node", Log: log,
	}
	if _, err := engine.New(valid); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*engine.Config){
		"store":         func(c *engine.Config) { c.Store = nil },
		"hooks":         func(c *engine.Config) { c.Hooks = nil },
		"pool":          func(c *engine.Config) { c.Pool = nil },
		"node":          func(c *engine.Config) { c.Node = "" },
		"log":           func(c *engine.Config) { c.Log = nil },
		"unknown model": func(c *engine.Config) { c.Models = nil },
		"twice":         func(c *engine.Config) { c.Agents = append(c.Agents, c.Agents[0]) },
	} {
		cfg := valid
		change(&cfg)
		if _, err := engine.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAgentsAndModels(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if agents := f.Agents(); len(agents) != 1 || agents[0] != f.agent {
		t.Errorf("agents %v", agents)
	}
	if a, ok := f.Agent("a"); !ok || a != f.agent {
		t.Errorf("agent %v", a)
	}
	if _, ok := f.Agent("b"); ok {
		t.Error("an agent nobody configured")
	}
	if got := f.ModelInfo("default"); got.ID != "oracle-1" {
		t.Errorf("model %+v", got)
	}
	if got := f.ModelInfo("other"); got != (model.Info{}) {
		t.Errorf("model %+v", got)
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	change := func(change func(*host.RunRequest)) host.RunRequest {
		req := asks("hello")
		change(&req)
		return req
	}
	for name, test := range map[string]struct {
		req   host.RunRequest
		code  host.Code
		field string
	}{
		"unknown agent": {change(func(r *host.RunRequest) { r.Component.ID = "b" }), host.CodeNotFound, ""},
		"a team":        {change(func(r *host.RunRequest) { r.Component.Kind = host.KindTeam }), host.CodeNotFound, ""},
		"no input":      {change(func(r *host.RunRequest) { r.Input = nil }), host.CodeInvalid, "message"},
		"a number":      {change(func(r *host.RunRequest) { r.Input = json.RawMessage(`5`) }), host.CodeInvalid, "message"},
		"broken":        {change(func(r *host.RunRequest) { r.Input = json.RawMessage(`{"a"`) }), host.CodeInvalid, "message"},
		"not Unicode":   {change(func(r *host.RunRequest) { r.Input = json.RawMessage("\"\xff\"") }), host.CodeInvalid, "message"},
		"state":         {change(func(r *host.RunRequest) { r.SessionState = json.RawMessage(`[]`) }), host.CodeInvalid, "session_state"},
		"dependencies":  {change(func(r *host.RunRequest) { r.Dependencies = json.RawMessage(`1`) }), host.CodeInvalid, "dependencies"},
		"metadata":      {change(func(r *host.RunRequest) { r.Metadata = json.RawMessage(`{`) }), host.CodeInvalid, "metadata"},
		"arguments":     {change(func(r *host.RunRequest) { r.Arguments = json.RawMessage(`null`) }), host.CodeInvalid, "arguments"},
		"half a character": {change(func(r *host.RunRequest) {
			r.SessionState = json.RawMessage(`{"a":"\ud800"}`)
		}), host.CodeInvalid, "session_state"},
		"too deep": {change(func(r *host.RunRequest) {
			r.Metadata = json.RawMessage(strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat(`}`, 65))
		}), host.CodeInvalid, "metadata"},
	} {
		_, err := f.Run(t.Context(), test.req)
		var coded *host.Error
		if !errors.As(err, &coded) || coded.Code != test.code || coded.Field != test.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(f.store.created) != 0 {
		t.Errorf("%d runs were created", len(f.store.created))
	}
}

func TestPlainRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agent.Role, f.agent.Description, f.agent.Markdown = "parrot", "You repeat.", true
	req := asks("hello world")
	req.UserID, req.Metadata = "u", json.RawMessage(`{"m":1}`)
	got := f.run(t, req)

	if got.Status != host.RunCompleted || string(got.Content) != `"hello world"` || got.ContentType != "str" {
		t.Errorf("run %+v", got)
	}
	if got.ID == "" || got.RootID != got.ID || got.SessionID != "s" || got.UserID != "u" || got.Model != "oracle-1" {
		t.Errorf("run %+v", got)
	}
	if string(got.Input) != `"hello world"` || string(got.Metadata) != `{"m":1}` || got.Metrics.OutputTokens != 2 {
		t.Errorf("run %+v", got)
	}
	var messages []string
	for _, m := range got.Messages {
		messages = append(messages, m.Role+": "+host.Text(m.Content))
	}
	want := []string{
		"system: You repeat.\nYour role: parrot\nBe brief.\nUse Markdown to format your answers.",
		"user: hello world", "assistant: hello world",
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if back := f.stored(t, got.ID); back.Status != host.RunCompleted || string(back.Content) != string(got.Content) {
		t.Errorf("stored %+v", back)
	}
	if session, err := f.store.Session(t.Context(), "s"); err != nil || session.UserID != "u" || session.Component.ID != "a" {
		t.Errorf("session %+v, %v", session, err)
	}
	row := f.store.created[0]
	if row.Status != host.RunRunning || row.Input != nil || row.Metadata != nil || row.Messages != nil {
		t.Errorf("created as %+v", row)
	}
}

func TestStreamWithoutBlockingHooks(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointOutput, "log"))
	var s stream
	req := asks("one two three")
	req.Events = s.send
	f.run(t, req)
	want := []string{
		"RunStarted", "ModelRequestStarted", "RunContent", "ModelRequestCompleted", "RunContentCompleted", "RunCompleted",
	}
	if diff := cmp.Diff(want, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if s.content() != "one two three" || len(s.events) != 8 {
		t.Errorf("content %q in %d events", s.content(), len(s.events))
	}
	last := s.events[len(s.events)-1]
	if host.Text(last.Run.Content) != "one two three" || last.Run.Status != host.RunCompleted {
		t.Errorf("last event of %+v", last.Run)
	}
	if usage := s.events[5].Metrics; usage == nil || usage.OutputTokens != 3 {
		t.Errorf("usage %+v", usage)
	}
	for _, e := range s.events[:7] {
		if e.Run.Status != host.RunRunning || e.At.IsZero() {
			t.Errorf("%s of a run that is %s", e.Kind, e.Run.Status)
		}
	}
}

// Nothing of the content leaves before the verdict of output.
func TestStreamWithBlockingHooks(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		blocking(pluginapi.PointInput, "mask", says(transform("$target.content", "masked input"))),
		blocking(pluginapi.PointOutput, "first", says(allow)),
		blocking(pluginapi.PointOutput, "polish", says(transform("$target.content", "polished"))))
	var s stream
	verdict := -1
	s.on = func(e host.Event) error {
		if e.Kind == host.EventPostHookCompleted {
			verdict = len(s.events)
		}
		return nil
	}
	req := asks("raw input")
	req.Events = s.send
	run := f.run(t, req)
	want := []string{
		"RunStarted", "PreHookStarted mask.hook", "PreHookCompleted mask.hook", "ModelRequestStarted", "ModelRequestCompleted",
		"PostHookStarted first.hook", "PostHookCompleted first.hook",
		"PostHookStarted polish.hook", "PostHookCompleted polish.hook",
		"RunContent", "RunContentCompleted", "RunCompleted",
	}
	if diff := cmp.Diff(want, s.kinds()); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	if string(s.events[1].Input) != `"raw input"` || string(s.events[2].Input) != `"masked input"` {
		t.Errorf("pre-hook inputs %s, %s", s.events[1].Input, s.events[2].Input)
	}
	for i, e := range s.events[:verdict] {
		if e.Content != nil || e.Run.Content != nil || len(e.Run.Messages) > 2 {
			t.Errorf("event %d, %s, holds content: %+v", i, e.Kind, e.Run)
		}
	}
	if s.content() != "polished" || string(run.Content) != `"polished"` {
		t.Errorf("content %q, %s", s.content(), run.Content)
	}
	if last := run.Messages[len(run.Messages)-1]; string(last.Content) != `"polished"` {
		t.Errorf("last message %s", last.Content)
	}
}

func TestPostModelHookHoldsContentBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPostModelCall, "judge", says(transform("$target.content", "better"))))
	f.model.answer = answers("worse")
	var s stream
	req := asks("hello")
	req.Events = s.send
	f.run(t, req)
	want := []string{
		"RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "RunContent", "RunContentCompleted", "RunCompleted",
	}
	if diff := cmp.Diff(want, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if s.content() != "better" || s.contains(t, "worse") {
		t.Errorf("content %q", s.content())
	}
}

func TestTransformedInput(t *testing.T) {
	t.Parallel()
	const secret = "secret-7351"
	f := newFixture(t,
		background(pluginapi.PointInput, "log"),
		blocking(pluginapi.PointInput, "mask", says(transform("$target.content", "masked"))))
	run := f.run(t, asks(secret))
	f.run(t, asks("again"))
	if string(run.Input) != `"masked"` || f.store.contains(t, secret) {
		t.Errorf("input %s, or the raw one is in the database", run.Input)
	}
	for _, req := range f.model.requests {
		for _, m := range req.Messages {
			if strings.Contains(string(m.Content), secret) {
				t.Errorf("the model saw %s", m.Content)
			}
		}
	}
	if snapshots := f.store.finishes[0].Snapshots; len(snapshots) != 1 || !strings.Contains(string(snapshots[0].Context), "masked") ||
		strings.Contains(string(snapshots[0].Context), secret) {
		t.Errorf("snapshots %s", snapshots)
	}
}

func TestModelSeesWhatHooksLeft(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPreModelCall, "edit", says(transform("$target[1].content", "edited"))))
	run := f.run(t, asks("hello"))
	got := f.model.requests[0].Messages
	if len(got) != 2 || string(got[0].Content) != `"Be brief."` || string(got[1].Content) != `"edited"` {
		t.Errorf("the model saw %s", got)
	}
	if string(run.Input) != `"hello"` || string(run.Content) != `"edited"` {
		t.Errorf("run %+v", run)
	}
}

func TestEmptyAndObjectAnswers(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]string{
		`null`:    {`""`, "str"},
		`{"a":1}`: {`{"a":1}`, "dict"},
	} {
		f := newFixture(t, blocking(pluginapi.PointPostModelCall, "edit",
			says(`{"decision":"transform","transform":{"path":"$target.content","value":`+value+`}}`)))
		if run := f.run(t, asks("hello")); string(run.Content) != want[0] || run.ContentType != want[1] {
			t.Errorf("%s: content %s of type %s", value, run.Content, run.ContentType)
		}
	}
}

func TestAddedToolCallsFailTheRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPostModelCall, "edit",
		says(`{"decision":"transform","transform":{"path":"$target.tool_calls","value":[{"id":"c","name":"n","args":{}}]}}`)))
	if run := f.run(t, asks("hello")); run.Status != host.RunError || run.Failure.Refused {
		t.Errorf("run %+v", run)
	}
}

func TestModelError(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"), background(pluginapi.PointOutput, "notify"),
		blocking(pluginapi.PointOutput, "check", says(allow)))
	f.model.answer = func(context.Context, func(string) error) (model.Response, error) {
		return model.Response{Content: "half an answ"}, &model.Error{Type: model.ErrorRateLimit, Status: 429, Message: "Slow down."}
	}
	var s stream
	req := asks("hello")
	req.Events = s.send
	run := f.run(t, req)
	want := &host.Failure{Type: model.ErrorRateLimit, Message: "Slow down."}
	if diff := cmp.Diff(want, run.Failure); diff != "" || run.Status != host.RunError || string(run.Content) != `"Slow down."` {
		t.Errorf("run %+v, failure (-want +got):\n%s", run, diff)
	}
	if diff := cmp.Diff([]string{"RunStarted", "ModelRequestStarted", "RunError"}, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	calls := []string{
		"input log queued", "output notify skipped run_not_completed", "output check skipped run_not_completed",
	}
	if diff := cmp.Diff(calls, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if f.store.contains(t, "half an answ") {
		t.Error("a part of the answer was stored")
	}
}

func TestPanickingModel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.model.answer = func(context.Context, func(string) error) (model.Response, error) { panic("oh no") }
	run := f.run(t, asks("hello"))
	if run.Status != host.RunError || run.Failure.Type != "agent_run_error" || strings.Contains(run.Failure.Message, "oh no") {
		t.Errorf("run %+v", run)
	}
	f.model.answer = nil
	if run := f.run(t, asks("again")); run.Status != host.RunCompleted {
		t.Errorf("the session is blocked: %+v", run)
	}
}

func TestFinishFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointOutput, "log"))
	broken := errors.New("disk full")
	f.store.finishing = func(host.Finish) error { return broken }
	var s stream
	req := asks("hello")
	req.Events = s.send
	if _, err := f.Run(t.Context(), req); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	last := s.events[len(s.events)-1]
	if last.Kind != host.EventRunError || last.Run.Status != host.RunError || last.Run.Failure.Type != "storage_error" ||
		strings.Contains(string(last.Run.Content), "hello") {
		t.Errorf("last event %s of %+v", last.Kind, last.Run)
	}
	for _, e := range s.events {
		if e.Kind == host.EventRunCompleted || e.Run.Status == host.RunCompleted {
			t.Errorf("%s of a run that is %s", e.Kind, e.Run.Status)
		}
	}
	if got := f.pool.Reserve("another", 100); got != 10 {
		t.Errorf("the pool has room for %d", got)
	}
	f.store.finishing = nil
	if err := f.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	if run := f.run(t, asks("again")); run.Status != host.RunCompleted {
		t.Errorf("the session is blocked: %+v", run)
	}
}

func TestSessionCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointAgentShutdown, "last", says(allow)))
	f.store.reading = func() error { return errors.New("disk broken") }
	run := f.run(t, asks("hello"))
	if run.Status != host.RunError || run.Input != nil || strings.Contains(run.Failure.Message, "disk") {
		t.Errorf("run %+v", run)
	}
	// The session of the contract was never opened, so it is not closed either.
	if diff := cmp.Diff([]string{"agent_shutdown last skipped run_not_completed"}, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if f.store.finishes[0].Session != nil {
		t.Error("a session nobody read was written")
	}
}

func TestChosenRunID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	req := asks("hello")
	req.RunID = "mine"
	if run := f.run(t, req); run.ID != "mine" {
		t.Errorf("run %+v", run)
	}
	if _, err := f.Run(t.Context(), req); host.CodeOf(err) != host.CodeConflict {
		t.Errorf("error %v", err)
	}
	if run := f.run(t, asks("again")); run.Status != host.RunCompleted {
		t.Errorf("the session is blocked: %+v", run)
	}
}

func TestDurationsAreOfTheRunItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.run(t, asks("hello"))
	if run.Metrics.Duration <= 0 || run.Metrics.Duration > run.FinishedAt.Sub(run.CreatedAt).Seconds()+1e-9 {
		t.Errorf("%v s between %s and %s", run.Metrics.Duration, run.CreatedAt.Format(time.RFC3339Nano), run.FinishedAt.Format(time.RFC3339Nano))
	}
}
