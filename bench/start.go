package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/echo"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// How long after the commit of its run a background call may start, in
// milliseconds.
var (
	mostStartP50 = atMost(0.1)
	mostStartP99 = atMost(1)
)

// starts measures how long after the commit of a run its background call is
// under way, in a host that has nothing else to do: from the return of FinishRun
// to the call's started_at, and to a caller that only notes the time, by when
// the guest's document has been made.
func (m *measurement) starts(ctx context.Context) error {
	h, err := m.openIdleHost(ctx)
	if err != nil {
		return err
	}
	n := max(200, m.many/50)
	var started, called []time.Duration
	for range n {
		s, c, err := h.run(ctx)
		if err != nil {
			return errors.Join(err, h.close())
		}
		started, called = append(started, s), append(called, c)
	}
	fmt.Printf("\n%-40s %10s %10s\n", fmt.Sprintf("idle host, after the commit of a run, %d", n), "p50", "p99")
	printStart("its background call is started", started)
	printStart("its guest is called", called)
	return h.close()
}

func printStart(name string, waits []time.Duration) {
	p50, p99 := percentile(waits, 50), percentile(waits, 99)
	fmt.Printf("%-40s %10v %10v  ms: %s, %s\n", name, p50.Round(time.Microsecond), p99.Round(time.Microsecond),
		mostStartP50.verdict(milliseconds(p50)), mostStartP99.verdict(milliseconds(p99)))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// idleHost is a host without HTTP and guests that makes one run at a time.
type idleHost struct {
	dir    string
	store  *notingStore
	engine *engine.Engine
	called chan time.Time
	stop   func() error
}

func (m *measurement) openIdleHost(ctx context.Context) (*idleHost, error) {
	dir, err := m.folder()
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "host.db")})
	if err != nil {
		return nil, err
	}
	h := &idleHost{dir: dir, store: &notingStore{Store: store}, called: make(chan time.Time, 1)}
	if err := h.build(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return h, nil
}

// build makes the parts and sets the supervisor going.
func (h *idleHost) build(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler)
	hooks, err := hook.NewDispatcher(hook.Config{Caller: noting(h.called), Bindings: oneBackgroundHook{}, Log: log})
	if err != nil {
		return err
	}
	queue, err := pool.New(pool.Config{})
	if err != nil {
		return err
	}
	h.engine, err = engine.New(engine.Config{
		Store: h.store, Hooks: hooks, Pool: queue, Models: map[string]model.Model{"default": echo.Model{}},
		Agents: []*host.Agent{{ID: "a", Model: "default", HistoryRuns: 3}}, Node: "node", Log: log,
	})
	if err != nil {
		return err
	}
	supervisor, err := job.New(job.Config{
		Store: h.store, Pool: queue, Handlers: job.Handlers{HookCall: h.engine.WorkHook}, Node: "node", Log: log,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- supervisor.Run(ctx) }()
	h.stop = func() error {
		cancel()
		return <-ended
	}
	return nil
}

// run makes one run and returns how long after its commit its call was started
// and its guest called.
func (h *idleHost) run(ctx context.Context) (started, called time.Duration, err error) {
	run, err := h.engine.Run(ctx, host.RunRequest{
		Component: host.Component{Kind: host.KindAgent, ID: "a"}, Input: host.TextContent("Hello there"),
	})
	if err != nil {
		return 0, 0, err
	}
	at := <-h.called
	call, err := h.settled(ctx, run.ID)
	return call.StartedAt.Sub(h.store.committed), at.Sub(h.store.committed), err
}

// settled waits until the run's call is stored as completed, so that the host
// is idle again.
func (h *idleHost) settled(ctx context.Context, runID string) (host.HookCall, error) {
	for {
		calls, err := h.store.HookCalls(ctx, runID)
		switch {
		case err != nil:
			return host.HookCall{}, err
		case len(calls) == 1 && calls[0].Status == host.HookCallCompleted:
			return calls[0], nil
		}
		time.Sleep(time.Millisecond)
	}
}

func (h *idleHost) close() error {
	return errors.Join(h.stop(), h.store.Close(), os.RemoveAll(h.dir))
}

// notingStore notes when a run was committed. It serves one run at a time.
type notingStore struct {
	*sqlite.Store
	committed time.Time
}

// FinishRun implements host.RunStore.
func (s *notingStore) FinishRun(ctx context.Context, finish host.Finish) error {
	err := s.Store.FinishRun(ctx, finish)
	s.committed = time.Now()
	return err
}

// noting is a caller whose guests allow at once; it says when they were called.
type noting chan<- time.Time

// Call implements host.Caller.
func (n noting) Call(context.Context, host.Call) (host.CallResult, error) {
	n <- time.Now()
	return host.CallResult{Output: []byte(`{"decision":"allow"}`)}, nil
}

// oneBackgroundHook binds a background hook to every run.
type oneBackgroundHook struct{}

// Resolve implements hook.Bindings.
func (oneBackgroundHook) Resolve(host.Component, host.Origin) []host.BoundPlugin {
	return []host.BoundPlugin{{
		Binding: host.Binding{Plugin: "plugin", Mode: pluginapi.ModeBackground},
		Plugin: &host.Plugin{
			Name: "plugin", Version: "1.0.0", Digest: "sha256:00",
			Manifest: pluginapi.Manifest{Hooks: []pluginapi.Hook{{Name: "hook", Export: "hook", Point: pluginapi.PointOutput}}},
		},
	}}
}
