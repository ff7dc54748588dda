package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/model"
)

// Run executes one run and returns it in its final state, also when it was
// refused, failed or cancelled. It fails only when the run could not be begun
// or stored: an *host.Error where the client must know. When it was not stored,
// a streaming client has got a RunError.
func (e *Engine) Run(ctx context.Context, req host.RunRequest) (host.Run, error) {
	agent, ok := e.byID[req.Component.ID]
	if !ok || req.Component.Kind != host.KindAgent {
		return host.Run{}, host.Errorf(host.CodeNotFound, "Agent not found")
	}
	if err := checkRequest(&req); err != nil {
		return host.Run{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := e.newExecution(agent, req, cancel)
	place := e.sessions.enter(x.run.SessionID)
	defer place.leave()
	if err := x.begin(ctx, place.mustWait()); err != nil {
		return host.Run{}, err
	}
	if err := place.wait(ctx); err != nil {
		return x.finish(ctx, err)
	}
	return x.finish(ctx, x.execute(ctx, place.mustWait()))
}

// execution is the state of one run while it goes on.
type execution struct {
	*Engine
	agent  *host.Agent
	model  model.Model
	req    host.RunRequest
	cancel context.CancelCauseFunc
	plan   *hook.Plan
	// holdsBack is true when no content may leave before the hooks have seen all
	// of it.
	holdsBack bool

	// startedAt is when the run's turn came.
	startedAt time.Time
	// run holds only what the hooks have permitted.
	run     host.Run
	session host.Session
	state   liveState
	fresh   bool // the session did not exist
	turn    int
	history []host.Message
	// inputPermitted is set once the hooks of input permitted.
	inputPermitted bool
	// draft is the model's answer until the hooks of output permit it.
	draft json.RawMessage

	// sequence is that of the point the run has come to; -1 before the first.
	sequence int64
	// opened is set once agent_startup was passed.
	opened bool
	// emitted holds the points passed, with what they left to do; skipped are the
	// records of hooks at points the run did not come to.
	emitted []emitted
	skipped []host.HookCall
	// refused is set once a blocking hook denied.
	refused *refusal
}

func (e *Engine) newExecution(agent *host.Agent, req host.RunRequest, cancel context.CancelCauseFunc) *execution {
	m := e.models[agent.Model]
	info := m.Info()
	run := host.Run{
		ID: req.RunID, SessionID: req.SessionID, UserID: req.UserID,
		Component: agent.Component(), Status: host.RunRunning, Attempt: 1,
		Model: info.ID, ModelProvider: info.Provider, CreatedAt: e.now(),
	}
	if run.ID == "" {
		run.ID = host.NewID()
	}
	fresh := run.SessionID == ""
	if fresh {
		run.SessionID = host.NewID()
	}
	run.RootID = run.ID
	plan := e.hooks.Plan(run.Component, run.ParentID)
	return &execution{
		Engine: e, agent: agent, model: m, req: req, cancel: cancel, plan: plan, run: run, fresh: fresh,
		holdsBack: holdsBack(agent, plan), sequence: -1,
	}
}

// begin stores the run without its input. A client that chose the id waits
// until it is known to be free; that wait is not given up, or a run nobody
// executes could be left behind.
func (x *execution) begin(ctx context.Context, waiting bool) error {
	row := x.run
	if waiting {
		row.Status = host.RunPending
	}
	if err := x.store.CreateRun(context.WithoutCancel(ctx), host.NewRun{Run: row, Lease: x.leaseNow(), Wait: x.req.RunID != ""}); err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	x.observer.RunStarted(x.run.Component)
	return nil
}

func (x *execution) leaseNow() host.Lease {
	return host.Lease{Owner: x.node, Until: x.now().Add(x.lease)}
}

// errPanicked is a fault of the host that must not leave the run RUNNING.
var errPanicked = errors.New("the run panicked")

// execute passes the points of a run in their order.
func (x *execution) execute(ctx context.Context, waited bool) (err error) {
	defer func() {
		if v := recover(); v != nil {
			x.log.Error("run panicked", "run_id", x.run.ID, "panic", v, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	if waited {
		if err := x.store.StartRun(ctx, x.run.ID, x.run.Attempt); err != nil {
			return fmt.Errorf("start run: %w", err)
		}
	}
	x.startedAt = x.now()
	if err := x.loadSession(ctx); err != nil {
		return err
	}
	x.emit(host.Event{Kind: host.EventRunStarted})
	for _, phase := range []func(context.Context) error{x.startup, x.input, x.answer, x.output} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}
