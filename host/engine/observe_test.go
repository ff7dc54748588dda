package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// watcher writes down what it is told.
type watcher struct {
	host.Unobserved
	mu   sync.Mutex
	told []string
}

func (w *watcher) write(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

func (w *watcher) RunStarted(c host.Component) { w.write("start %s %s", c.Kind, c.ID) }
func (w *watcher) RunEnded(run *host.Run)      { w.write("end %s %s", run.Component.ID, run.Status) }
func (w *watcher) ModelAsked(r host.ModelRequest) {
	w.write("model %s of %s, %d tokens, failed %t", r.Model, r.Provider, r.Usage.OutputTokens, r.Failed)
}

// watched is a fixture whose engine has an observer and a log.
func watched(t *testing.T, bound ...boundHook) (f *fixture, w *watcher, log *bytes.Buffer) {
	t.Helper()
	f, w, log = newFixture(t, bound...), &watcher{}, &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	d, err := hook.NewDispatcher(hook.Config{Caller: f.hooks, Bindings: f.hooks, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f.Engine, err = engine.New(engine.Config{
		Store: f.store, Hooks: d, Pool: f.pool, Agents: []*host.Agent{f.agent}, Observer: w,
		Models: map[string]model.Model{"default": f.model}, Node: "node", Log: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, w, log
}

func TestObserverIsToldOfRuns(t *testing.T) {
	t.Parallel()
	f, w, log := watched(t)
	f.model.answer = func(context.Context, func(string) error) (model.Response, error) {
		return model.Response{Content: "secret answer", Usage: host.Metrics{OutputTokens: 4}}, nil
	}
	run := f.run(t, asks("secret question"))
	f.model.answer = func(context.Context, func(string) error) (model.Response, error) {
		return model.Response{}, errors.New("down")
	}
	f.run(t, asks("secret question"))
	want := []string{
		"start agent a", "model oracle-1 of Delphi, 4 tokens, failed false", "end a COMPLETED",
		"start agent a", "model oracle-1 of Delphi, 0 tokens, failed true", "end a ERROR",
	}
	if diff := cmp.Diff(want, w.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	line := fmt.Sprintf(`level=INFO msg="run ended" run_id=%s session_id=s kind=agent component=a status=COMPLETED duration=`, run.ID)
	if !strings.Contains(log.String(), line) || strings.Contains(log.String(), "secret") {
		t.Errorf("logged %s", log)
	}
}

func TestObserverIsToldOfRefusalsAndLosses(t *testing.T) {
	t.Parallel()
	f, w, _ := watched(t, blocking(pluginapi.PointInput, "guard", says(deny)))
	f.run(t, asks("hello"))
	f.store.finishing = func(host.Finish) error { return errors.New("disk full") }
	if _, err := f.Run(t.Context(), asks("hello")); err == nil {
		t.Error("stored on a full disk")
	}
	want := []string{"start agent a", "end a ERROR", "start agent a", "end a ERROR"}
	if diff := cmp.Diff(want, w.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
