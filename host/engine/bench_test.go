package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/echo"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// nowhere is a store that keeps nothing.
type nowhere struct {
	host.BackgroundStore
	host.EventStore
}

// ReleaseHookCall releases nothing.
func (nowhere) ReleaseHookCall(context.Context, string, int) error { return nil }

// Ahead knows of no other run.
func (nowhere) Ahead(context.Context, host.Run) (bool, error) { return false, nil }

func (nowhere) CreateRun(context.Context, host.NewRun) error             { return nil }
func (nowhere) StartRun(context.Context, string, int) error              { return nil }
func (nowhere) FinishRun(context.Context, host.Finish) error             { return nil }
func (nowhere) Run(context.Context, string) (host.Run, error)            { return host.Run{}, nil }
func (nowhere) History(context.Context, string, int) ([]host.Run, error) { return nil, nil }
func (nowhere) ChildRuns(context.Context, string) ([]host.Run, error)    { return nil, nil }
func (nowhere) Turns(context.Context, string) (int, error)               { return 0, nil }
func (nowhere) MergeSessionState(context.Context, host.StateMerge) error { return nil }
func (nowhere) Session(context.Context, string) (host.Session, error) {
	return host.Session{ID: "s"}, nil
}

// instant is a caller whose guests allow at once.
type instant struct{ *hooks }

func (instant) Call(context.Context, host.Call) (host.CallResult, error) {
	return host.CallResult{Output: []byte(allow)}, nil
}

// BenchmarkRun is what a run costs beside its model, its guests and its store.
func BenchmarkRun(b *testing.B) {
	for _, n := range []int{0, 2} {
		b.Run(fmt.Sprintf("hooks=%d", n), func(b *testing.B) {
			bound := []boundHook{
				blocking(pluginapi.PointInput, "in", nil), blocking(pluginapi.PointOutput, "out", nil),
			}
			e := newBenchEngine(b, &hooks{bound: bound[:n]})
			req := asks("What is the answer to life, the universe and everything?")
			b.ReportAllocs()
			for b.Loop() {
				if run, err := e.Run(b.Context(), req); err != nil || run.Status != host.RunCompleted {
					b.Fatal(run.Status, err)
				}
			}
		})
	}
}

func newBenchEngine(b *testing.B, h *hooks) *engine.Engine {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	d, err := hook.NewDispatcher(hook.Config{Caller: instant{h}, Bindings: h, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	p, err := pool.New(pool.Config{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.New(engine.Config{
		Store: nowhere{}, Hooks: d, Pool: p, Models: map[string]model.Model{"default": echo.Model{}}, Node: "node", Log: log,
		Agents: []*host.Agent{{ID: "a", Name: "A", Instructions: []string{"Be brief."}, Model: "default", HistoryRuns: 3}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return e
}
