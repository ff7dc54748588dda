package httpapi

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The registry is what serves plugins in the program.
var _ Plugins = (*plugin.Registry)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden files")

// at is when everything in these tests happens.
var at = time.Date(2026, 11, 20, 9, 30, 0, 123456000, time.UTC)

// script is how a fakeEngine runs.
type script func(ctx context.Context, req host.RunRequest) (host.Run, error)

// fakeEngine has two agents, and plays a script.
type fakeEngine struct {
	script script
	// started is what Start returns, startErr why it does not; stream is what
	// Follow sends of it, followErr how it ends.
	started   host.Run
	startErr  error
	stream    []host.Event
	followErr error
	// waiting, when set, is sent to when Follow waits for more, until its context ends.
	waiting   chan struct{}
	cancelErr error
	teams     []*host.Team
	workflows []*host.Workflow
	// tools are by component, children by run.
	tools       map[host.BindingScope][]host.ToolDefinition
	toolsErr    error
	children    map[string][]host.Run
	childrenErr error

	mu        sync.Mutex
	asked     []host.RunRequest
	followed  []string
	cancelled []string
}

func (e *fakeEngine) Agents() []*host.Agent {
	return []*host.Agent{
		{ID: "plain-agent", Name: "Plain", Description: "d", Model: "default", HistoryRuns: 3},
		{ID: "other/agent", Model: "default"},
	}
}

func (e *fakeEngine) Agent(id string) (*host.Agent, bool) {
	for _, a := range e.Agents() {
		if a.ID == id {
			return a, true
		}
	}
	return nil, false
}

func (e *fakeEngine) TrialRunner() host.Runner { return nil }

func (e *fakeEngine) Teams() []*host.Team { return e.teams }

func (e *fakeEngine) Team(id string) (*host.Team, bool) {
	for _, t := range e.teams {
		if t.ID == id {
			return t, true
		}
	}
	return nil, false
}

func (e *fakeEngine) Workflows() []*host.Workflow { return e.workflows }

func (e *fakeEngine) Workflow(id string) (*host.Workflow, bool) {
	for _, w := range e.workflows {
		if w.ID == id {
			return w, true
		}
	}
	return nil, false
}

func (e *fakeEngine) ToolDefinitions(_ context.Context, scope host.BindingScope) ([]host.ToolDefinition, error) {
	return e.tools[scope], e.toolsErr
}

func (e *fakeEngine) WithChildren(_ context.Context, run host.Run) (host.Run, error) {
	run.Children = e.children[run.ID]
	return run, e.childrenErr
}

func (e *fakeEngine) ModelInfo(string) model.Info {
	return model.Info{ID: "fake-1", Name: "FakeModel", Provider: "Fake"}
}

func (e *fakeEngine) Run(ctx context.Context, req host.RunRequest) (host.Run, error) {
	e.mu.Lock()
	e.asked = append(e.asked, req)
	e.mu.Unlock()
	if e.script == nil {
		return completedRun(), nil
	}
	return e.script(ctx, req)
}

func (e *fakeEngine) Start(_ context.Context, req host.RunRequest) (host.Run, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, req)
	return e.started, e.startErr
}

func (e *fakeEngine) Cancel(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancelled = append(e.cancelled, id)
	return e.cancelErr
}

func (e *fakeEngine) Follow(ctx context.Context, id string, from int, send func(host.Event) error) error {
	e.mu.Lock()
	e.followed = append(e.followed, fmt.Sprint(id, " from ", from))
	e.mu.Unlock()
	for i := from; i < len(e.stream); i++ {
		event := e.stream[i]
		event.At, event.Index = at, i
		if event.Run == nil {
			run := completedRun()
			event.Run = &run
		}
		if err := send(event); err != nil {
			return err
		}
	}
	if e.waiting != nil {
		e.waiting <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return e.followErr
}

// withOthers gives the engine a team of plain-agent and a workflow that runs it.
func (e *fakeEngine) withOthers() {
	member := host.BindingScope{Kind: host.KindAgent, ID: "plain-agent"}
	e.teams = []*host.Team{{
		Agent:   host.Agent{ID: "team", Name: "Team", Description: "d", Model: "default"},
		Members: []host.BindingScope{member},
	}}
	e.workflows = []*host.Workflow{{
		ID: "flow", Name: "Flow", Description: "d",
		Steps: []host.Step{{Name: "one", Kind: host.StepComponent, Component: member}},
	}}
}

// request returns the only request the engine got, without its function.
func (e *fakeEngine) request(t *testing.T) host.RunRequest {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.asked) != 1 {
		t.Fatalf("the engine got %d requests, want 1", len(e.asked))
	}
	req := e.asked[0]
	req.Events = nil
	return req
}

// fakePlugins keeps what it is given.
type fakePlugins struct {
	err       error
	created   bool
	plugins   []host.Plugin
	bindings  map[host.BindingScope][]host.Binding
	manifest  string
	module    []byte
	activated []pluginapi.Permission
	forced    bool
	removed   []string
	tried     []plugin.Try
	trial     host.TrialResult
}

func (p *fakePlugins) Install(_ context.Context, manifest, module []byte) (plugin.Installed, error) {
	p.manifest, p.module = string(manifest), module
	return plugin.Installed{Plugin: aPlugin("1.0.0"), Created: p.created}, p.err
}

func (p *fakePlugins) Activate(
	_ context.Context, name, version string, grants []pluginapi.Permission, force bool,
) (host.Plugin, error) {
	p.activated, p.forced = grants, force
	activated := aPlugin(version)
	activated.Name, activated.Active, activated.Grants = name, true, grants
	return activated, p.err
}

func (p *fakePlugins) Deactivate(_ context.Context, name, version string, force bool) (host.Plugin, error) {
	p.removed = append(p.removed, fmt.Sprintf("deactivate %s %s %t", name, version, force))
	return aPlugin(version), p.err
}

func (p *fakePlugins) Delete(_ context.Context, name, version string, force bool) error {
	p.removed = append(p.removed, fmt.Sprintf("delete %s %s %t", name, version, force))
	return p.err
}

func (p *fakePlugins) Try(_ context.Context, name, version string, try plugin.Try) (host.TrialResult, error) {
	p.tried = append(p.tried, try)
	return p.trial, p.err
}

func (p *fakePlugins) Plugins() []host.Plugin { return p.plugins }

func (p *fakePlugins) Versions(name string) ([]host.Plugin, error) {
	if len(p.plugins) == 0 || p.plugins[0].Name != name {
		return nil, host.Errorf(host.CodeNotFound, "no plugin %q is installed", name)
	}
	return p.plugins, nil
}

func (p *fakePlugins) Plugin(name, version string) (host.Plugin, error) {
	for _, known := range p.plugins {
		if known.Name == name && known.Version == version {
			return known, nil
		}
	}
	return host.Plugin{}, host.Errorf(host.CodeNotFound, "the plugin %q has no version %q", name, version)
}

func (p *fakePlugins) Bindings(scope host.BindingScope) []host.Binding { return p.bindings[scope] }

func (p *fakePlugins) PutBindings(_ context.Context, scope host.BindingScope, bindings []host.Binding) error {
	if p.err != nil {
		return p.err
	}
	if p.bindings == nil {
		p.bindings = map[host.BindingScope][]host.Binding{}
	}
	p.bindings[scope] = bindings
	return nil
}

// fakeRuns are runs by id, all with the same hook calls.
type fakeRuns struct {
	host.EvaluationStore
	runs  map[string]host.Run
	calls []host.HookCall
	// total is how many calls FindHookCalls says there are; found what it was
	// asked for.
	total int
	found []string
	// next is the index of the next event of every run.
	next int
	err  error
}

func (f *fakeRuns) Run(_ context.Context, id string) (host.Run, error) {
	if f.err != nil {
		return host.Run{}, f.err
	}
	run, ok := f.runs[id]
	if !ok {
		return host.Run{}, host.Errorf(host.CodeNotFound, "no such row")
	}
	return run, nil
}

func (f *fakeRuns) HookCalls(context.Context, string) ([]host.HookCall, error) { return f.calls, nil }

func (f *fakeRuns) NextEvent(context.Context, string) (int, error) { return f.next, f.err }

// noSessions is for tests that ask for none.
type noSessions struct{ sessionsPort }

// sessionsPort is Sessions under a name that is not that of one of its methods.
type sessionsPort = Sessions

func (f *fakeRuns) FindHookCalls(
	_ context.Context, filter host.HookCallFilter, offset, limit int,
) (host.HookCallPage, error) {
	f.found = append(f.found, fmt.Sprintf("%+v %d %d", filter, offset, limit))
	return host.HookCallPage{Calls: f.calls, Total: f.total}, f.err
}

// fakeJobs remembers what it was asked for.
type fakeJobs struct {
	asked      []string
	err        error
	quarantine *host.Quarantine
}

func (j *fakeJobs) Retry(_ context.Context, id string) (host.HookCall, error) {
	j.asked = append(j.asked, "retry "+id)
	return host.HookCall{ID: id, Status: host.HookCallQueued}, j.err
}

func (j *fakeJobs) RetryAll(_ context.Context, filter host.HookCallFilter, limit int) (int, error) {
	j.asked = append(j.asked, fmt.Sprintf("retry %+v %d", filter, limit))
	return 7, j.err
}

func (j *fakeJobs) Quarantine(string) *host.Quarantine { return j.quarantine }

func (j *fakeJobs) EndQuarantine(plugin string) {
	j.asked = append(j.asked, "end "+plugin)
	j.quarantine = nil
}

// fixture is an API over fakes.
type fixture struct {
	engine  fakeEngine
	plugins fakePlugins
	runs    fakeRuns
	jobs    fakeJobs
	// notReady is what the probe is told.
	notReady error
	config   Config
	log      strings.Builder // read it when the request has ended
}

func (f *fixture) handler(t *testing.T) http.Handler {
	t.Helper()
	f.config.Engine, f.config.Plugins = &f.engine, &f.plugins
	if f.config.Runs == nil {
		f.config.Runs = &f.runs
	}
	if f.config.Sessions == nil {
		f.config.Sessions = noSessions{}
	}
	f.config.Jobs = &f.jobs
	f.config.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "metrics 1") })
	f.config.Ready = func(context.Context) error { return f.notReady }
	f.config.Version = "1.2.3"
	f.config.Now = func() time.Time { return at }
	f.config.Log = slog.New(slog.NewTextHandler(&f.log, nil))
	h, err := New(f.config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// server serves the API on a real connection.
func (f *fixture) server(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(f.handler(t))
	t.Cleanup(srv.Close)
	return srv
}

// ask sends one request to the handler.
func (f *fixture) ask(t *testing.T, method, target, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:7777"
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	f.handler(t).ServeHTTP(w, r)
	return w
}

func (f *fixture) get(t *testing.T, target string) *httptest.ResponseRecorder {
	t.Helper()
	return f.ask(t, http.MethodGet, target, "", "")
}

// run posts an urlencoded form for a run of plain-agent.
func (f *fixture) run(t *testing.T, body string) *httptest.ResponseRecorder {
	t.Helper()
	return f.ask(t, http.MethodPost, "/agents/plain-agent/runs", urlEncoded, body)
}

func completedRun() host.Run {
	return host.Run{
		ID: "run-1", SessionID: "s-1", RootID: "run-1", UserID: "u-1",
		Component: host.Component{Kind: host.KindAgent, ID: "plain-agent", Name: "Plain"},
		Status:    host.RunCompleted, Input: host.TextContent("hi"),
		Content: host.TextContent("Hello <from> fake"), ContentType: "str",
		Model: "fake-1", ModelProvider: "Fake",
		Messages: []host.Message{
			{ID: "m-1", Role: "system", Content: host.TextContent("d"), CreatedAt: at},
			{ID: "m-2", Role: "user", Content: host.TextContent("hi"), CreatedAt: at},
			{ID: "m-3", Role: "assistant", Content: host.TextContent("Hello <from> fake"), CreatedAt: at},
		},
		Metrics: host.Metrics{
			InputTokens: 10, OutputTokens: 5, TotalTokens: 15, TimeToFirstToken: 0.25, Duration: 0.5,
		},
		Metadata:  json.RawMessage(`{"m": 1}`),
		CreatedAt: at, FinishedAt: at,
	}
}

// refusedRun is a run whose input a hook denied.
func refusedRun() host.Run {
	run := completedRun()
	run.Status, run.Messages, run.Metadata = host.RunError, nil, nil
	run.Metrics = host.Metrics{Duration: 0.5}
	run.Input = host.TextContent("[refused: pii_detected]")
	run.Content = host.TextContent("Potential PII detected in input")
	run.Failure = &host.Failure{
		Type: host.FailureInputCheck, ID: "pii_detected", Message: "Potential PII detected in input", Refused: true,
		Data: json.RawMessage(`{"plugin":"pii-guard","hook":"check","point":"input"}`),
	}
	return run
}

func aPlugin(version string) host.Plugin {
	return host.Plugin{
		Name: "pii-guard", Version: version, Digest: "sha256:00", ModuleSize: 42, CreatedAt: at, Tests: host.TestsPassed,
		Manifest: pluginapi.Manifest{
			ManifestVersion: 1, Name: "pii-guard", Version: version, Description: "Guards.",
			Hooks: []pluginapi.Hook{{
				Point: pluginapi.PointInput, Export: "check", Guardrail: true,
				Timeout: pluginapi.Duration(250 * time.Millisecond),
			}},
			Permissions: pluginapi.Permissions{
				HTTP: &pluginapi.HTTPPermission{Hosts: []string{"example.com"}, Reason: "asks"},
			},
			ConfigSchema: json.RawMessage(`{"type":"object"}`),
			Limits:       pluginapi.Limits{Memory: 16 << 20},
			Tests:        []pluginapi.Test{{Hook: "check"}},
		},
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// wantAnswer checks a status and a whole body.
func wantAnswer(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	if diff := cmp.Diff(body, w.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// wantDetail checks a status and the detail of an error.
func wantDetail(t *testing.T, w *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	var body struct{ Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %s: %v", w.Body, err)
	}
	if w.Code != status || body.Detail != detail {
		t.Errorf("answer %d %q, want %d %q", w.Code, body.Detail, status, detail)
	}
}

// readAll returns the body of a response and closes it.
func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
