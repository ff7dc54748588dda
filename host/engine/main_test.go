package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/echo"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// guest is one export of a plugin.
type guest func(ctx context.Context, c pluginapi.Context) (string, error)

// says answers always the same.
func says(verdict string) guest {
	return func(context.Context, pluginapi.Context) (string, error) { return verdict, nil }
}

const (
	allow = `{"decision":"allow"}`
	deny  = `{"decision":"deny","reason":"forbidden","message":"Not here."}`
)

// transform is a verdict that puts text in the place of path.
func transform(path, text string) string {
	return fmt.Sprintf(`{"decision":"transform","transform":{"path":%q,"value":%q}}`, path, text)
}

// hooks are bound to every component, in order. It implements hook.Bindings and
// host.Caller.
type hooks struct {
	bound []boundHook

	mu   sync.Mutex
	seen []pluginapi.Context
}

// boundHook is a hook of a plugin of its own name.
type boundHook struct {
	name    string
	point   pluginapi.Point
	mode    pluginapi.Mode
	answer  guest
	missing bool
	// permissions are asked for and granted.
	permissions pluginapi.Permissions
	// of is the id of the one component it is bound to, "" for all.
	of string
	// topLevel has it bound to no run inside another one, nested also to runs that
	// hooks start.
	topLevel, nested bool
}

// only binds the hook to one component.
func (b boundHook) only(id string) boundHook {
	b.of = id
	return b
}

func (b *boundHook) binds(c host.Component, origin host.Origin) bool {
	return (b.of == "" || b.of == c.ID) && (!b.topLevel || origin != host.OriginParent) &&
		(b.nested || b.of != "" || origin != host.OriginHook)
}

func blocking(point pluginapi.Point, name string, answer guest) boundHook {
	return boundHook{name: name, point: point, mode: pluginapi.ModeBlocking, answer: answer}
}

func background(point pluginapi.Point, name string) boundHook {
	return boundHook{name: name, point: point, mode: pluginapi.ModeBackground, answer: says(allow)}
}

func (h *hooks) Resolve(c host.Component, origin host.Origin) []host.BoundPlugin {
	var out []host.BoundPlugin
	for _, b := range h.bound {
		if b.binds(c, origin) {
			out = append(out, host.BoundPlugin{
				Binding: host.Binding{Plugin: b.name, Mode: b.mode}, Plugin: b.plugin(),
			})
		}
	}
	return out
}

func (b *boundHook) plugin() *host.Plugin {
	if b.missing {
		return nil
	}
	return &host.Plugin{
		Name: b.name, Version: "1.0.0", Digest: "sha256:" + b.name,
		Manifest: pluginapi.Manifest{
			Hooks:       []pluginapi.Hook{{Name: "hook", Export: b.name, Point: b.point}},
			Permissions: b.permissions,
		},
		Grants: b.permissions.Names(),
	}
}

func (h *hooks) Call(ctx context.Context, call host.Call) (host.CallResult, error) {
	var c pluginapi.Context
	if err := json.Unmarshal(call.Input, &c); err != nil {
		return host.CallResult{}, err
	}
	h.mu.Lock()
	h.seen = append(h.seen, c)
	h.mu.Unlock()
	for _, b := range h.bound {
		if b.name == call.Export {
			output, err := b.answer(context.WithValue(ctx, servicesKey{}, call.Services), c)
			return host.CallResult{Output: []byte(output)}, err
		}
	}
	return host.CallResult{}, &host.CallError{Code: host.CallMissingExport, Message: call.Export}
}

type servicesKey struct{}

// servicesOf are the services of the call a guest answers.
func servicesOf(ctx context.Context) host.Services {
	return ctx.Value(servicesKey{}).(host.Services)
}

// at returns the contexts hooks saw at a point.
func (h *hooks) at(point pluginapi.Point) []pluginapi.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []pluginapi.Context
	for _, c := range h.seen {
		if c.Point == point {
			out = append(out, c)
		}
	}
	return out
}

// store is the real one; what the engine writes can be watched and refused.
type store struct {
	*sqlite.Store
	dir string
	// finishing, when set, may refuse the end of a run, saving a checkpoint, reading
	// the session, appending events.
	finishing func(host.Finish) error
	saving    func() error
	reading   func() error
	appending func() error
	// wrote, when set, is called after each checkpoint and each end that was stored.
	wrote func()
	// unheard is what the writer of an end is told though it was stored.
	unheard error
	// waits is sent the id of each run that was created PENDING for a client that
	// waits.
	waits chan string

	mu       sync.Mutex
	finishes []host.Finish
	// checkpoints are the states saved, as text.
	checkpoints []string
	created     []host.Run
	started     []string
}

func openStore(t *testing.T) *store {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &store{Store: s, dir: dir, waits: make(chan string, 8)}
}

func (s *store) CreateRun(ctx context.Context, create host.NewRun) error {
	s.mu.Lock()
	s.created = append(s.created, create.Run)
	s.mu.Unlock()
	err := s.Store.CreateRun(ctx, create)
	if create.Run.Status == host.RunPending && !create.Run.Background && err == nil {
		s.waits <- create.Run.ID
	}
	return err
}

func (s *store) StartRun(ctx context.Context, id string, attempt int) error {
	s.mu.Lock()
	s.started = append(s.started, id)
	s.mu.Unlock()
	return s.Store.StartRun(ctx, id, attempt)
}

func (s *store) FinishRun(ctx context.Context, finish host.Finish) error {
	if s.finishing != nil {
		if err := s.finishing(finish); err != nil {
			return err
		}
	}
	if err := s.Store.FinishRun(ctx, finish); err != nil {
		return err
	}
	s.mu.Lock()
	s.finishes = append(s.finishes, finish)
	s.mu.Unlock()
	s.written()
	return s.unheard
}

func (s *store) written() {
	if s.wrote != nil {
		s.wrote()
	}
}

func (s *store) SaveCheckpoint(ctx context.Context, checkpoint host.Checkpoint) error {
	s.mu.Lock()
	s.checkpoints = append(s.checkpoints, string(checkpoint.State))
	s.mu.Unlock()
	if s.saving != nil {
		if err := s.saving(); err != nil {
			return err
		}
	}
	err := s.Store.SaveCheckpoint(ctx, checkpoint)
	if err == nil {
		s.written()
	}
	return err
}

func (s *store) AppendEvents(ctx context.Context, runID string, attempt int, events []host.RunEvent) error {
	if s.appending != nil {
		if err := s.appending(); err != nil {
			return err
		}
	}
	return s.Store.AppendEvents(ctx, runID, attempt, events)
}

func (s *store) Session(ctx context.Context, id string) (host.Session, error) {
	if s.reading != nil {
		if err := s.reading(); err != nil {
			return host.Session{}, err
		}
	}
	return s.Store.Session(ctx, id)
}

// contains reports whether text stands in any file of the database.
func (s *store) contains(t *testing.T, text string) bool {
	t.Helper()
	files, err := os.ReadDir(s.dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(s.dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), text) {
			return true
		}
	}
	return false
}

// oracle is a model that answers what it is told to and remembers the requests.
type oracle struct {
	answer func(ctx context.Context, delta func(string) error) (model.Response, error)
	// script, when set, answers by the request.
	script func(ctx context.Context, req model.Request) (model.Response, error)
	// schemas says that it is told schemas by other means than messages.
	schemas bool

	mu       sync.Mutex
	requests []model.Request
}

func (o *oracle) Info() model.Info {
	return model.Info{ID: "oracle-1", Name: "Oracle", Provider: "Delphi", Schemas: o.schemas}
}

func (o *oracle) Generate(ctx context.Context, req model.Request, delta func(string) error) (model.Response, error) {
	o.mu.Lock()
	o.requests = append(o.requests, req)
	o.mu.Unlock()
	if o.script != nil {
		said, err := o.script(ctx, req)
		if err == nil && delta != nil && said.Content != "" {
			err = delta(said.Content)
		}
		return said, err
	}
	if o.answer == nil {
		return echo.Model{}.Generate(ctx, req, delta)
	}
	return o.answer(ctx, delta)
}

// fixture is an engine with its parts.
type fixture struct {
	*engine.Engine
	config engine.Config
	store  *store
	hooks  *hooks
	model  *oracle
	pool   *pool.Pool
	agent  *host.Agent
}

func newFixture(t *testing.T, bound ...boundHook) *fixture {
	t.Helper()
	f := &fixture{
		store: openStore(t), hooks: &hooks{bound: bound}, model: &oracle{},
		agent: &host.Agent{ID: "a", Name: "A", Instructions: []string{"Be brief."}, Model: "default", HistoryRuns: 3},
	}
	log := slog.New(slog.DiscardHandler)
	d, err := hook.NewDispatcher(hook.Config{Caller: f.hooks, Bindings: f.hooks, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if f.pool, err = pool.New(pool.Config{Workers: 1, Queue: 9, PluginRoom: 10}); err != nil {
		t.Fatal(err)
	}
	f.config = engine.Config{
		Store: f.store, Hooks: d, Pool: f.pool, Agents: []*host.Agent{f.agent},
		Models: map[string]model.Model{"default": f.model}, Node: "node", Log: log,
	}
	f.Engine = f.node(t, func(*engine.Config) {})
	return f
}

// node returns another engine on the same store.
func (f *fixture) node(t *testing.T, change func(*engine.Config)) *engine.Engine {
	t.Helper()
	cfg := f.config
	change(&cfg)
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// asks is a request of the session s.
func asks(text string) host.RunRequest {
	return host.RunRequest{
		Component: host.Component{Kind: host.KindAgent, ID: "a"}, SessionID: "s", Input: host.TextContent(text),
	}
}

// run runs a request that must end, in whatever state.
func (f *fixture) run(t *testing.T, req host.RunRequest) host.Run {
	t.Helper()
	run, err := f.Run(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// stored reads a run back.
func (f *fixture) stored(t *testing.T, id string) host.Run {
	t.Helper()
	run, err := f.store.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// calls lists the hook calls of a run, as one line each.
func (f *fixture) calls(t *testing.T, runID string) []string {
	t.Helper()
	calls, err := f.store.HookCalls(t.Context(), runID)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, call := range calls {
		line := fmt.Sprintf("%s %s %s", call.Point, call.Plugin, call.Status)
		if call.Reason != "" {
			line += " " + call.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

// stream collects the events of a run.
type stream struct {
	events []host.Event
	// on, when set, is called for each event and may end the stream.
	on func(host.Event) error
}

func (s *stream) send(e host.Event) error {
	s.events = append(s.events, e)
	if s.on != nil {
		return s.on(e)
	}
	return nil
}

// kinds lists the events, with the deltas of RunContent as one.
func (s *stream) kinds() []string {
	out := []string{}
	for _, e := range s.events {
		kind := string(e.Kind)
		if e.Hook != "" {
			kind += " " + e.Hook
		}
		if e.Kind == host.EventRunContent && len(out) > 0 && out[len(out)-1] == kind {
			continue
		}
		out = append(out, kind)
	}
	return out
}

// content joins the deltas.
func (s *stream) content() string {
	var b strings.Builder
	for _, e := range s.events {
		if e.Kind == host.EventRunContent {
			b.WriteString(host.Text(e.Content))
		}
	}
	return b.String()
}

// contains reports whether text stands anywhere in the events.
func (s *stream) contains(t *testing.T, text string) bool {
	t.Helper()
	data, err := json.Marshal(s.events)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(data), text)
}
