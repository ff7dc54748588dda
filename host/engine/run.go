package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// finishTimeout bounds the last write of a run, which goes on when the client
// has left.
const finishTimeout = 30 * time.Second

// Run executes one run and returns it in its final state, also when it was
// refused, failed or cancelled. It fails only when the run could not be begun
// or stored: an *host.Error where the client must know.
func (e *Engine) Run(ctx context.Context, req host.RunRequest) (host.Run, error) {
	agent, ok := e.byID[req.Component.ID]
	if !ok || req.Component.Kind != host.KindAgent {
		return host.Run{}, host.Errorf(host.CodeNotFound, "Agent not found")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := e.newExecution(agent, req, cancel)
	place := e.sessions.enter(x.run.SessionID)
	if err := x.begin(ctx, place.mustWait()); err != nil {
		place.quit()
		return host.Run{}, err
	}
	if err := place.wait(ctx); err != nil {
		return x.finish(ctx, err)
	}
	defer place.leave()
	return x.finish(ctx, x.execute(ctx, place.mustWait()))
}

// execution is the state of one run while it goes on.
type execution struct {
	*Engine
	agent   *host.Agent
	model   model.Model
	req     host.RunRequest
	run     host.Run
	session host.Session
	fresh   bool // the session did not exist
	turn    int
	plan    *hook.Plan
	// sequence is the next emission's.
	sequence int64
	// emitted holds the points passed, with what they left to do.
	emitted []emitted
	// refused is set once a blocking hook denied, input and output once the
	// hooks of these points permitted.
	refused        *refusal
	inputPermitted bool
	history        []host.Message
	cancel         context.CancelCauseFunc
}

// emitted is a point that was passed.
type emitted struct {
	occasion   hook.Occasion
	context    pluginapi.Context
	calls      []host.HookCall
	background []hook.Hook
	// permitted is false after a deny, or when the run was cancelled meanwhile.
	permitted bool
}

// refusal is a deny that ends the run.
type refusal struct {
	point   pluginapi.Point
	verdict pluginapi.Verdict
	decider *hook.Hook
}

func (r *refusal) Error() string { return "refused at " + string(r.point) }

func (e *Engine) newExecution(agent *host.Agent, req host.RunRequest, cancel context.CancelCauseFunc) *execution {
	m := e.models[agent.Model]
	info := m.Info()
	run := host.Run{
		ID: req.RunID, SessionID: req.SessionID, UserID: req.UserID,
		Component: agent.Component(), Status: host.RunRunning, Attempt: 1,
		Model: info.ID, ModelProvider: info.Provider, CreatedAt: e.now(),
	}
	if run.ID == "" {
		run.ID = uuid.NewString()
	}
	fresh := run.SessionID == ""
	if fresh {
		run.SessionID = uuid.NewString()
	}
	run.RootID = run.ID
	return &execution{
		Engine: e, agent: agent, model: m, req: req, run: run, fresh: fresh, cancel: cancel,
		plan: e.hooks.Plan(run.Component, run.ParentID),
	}
}

// begin stores the run without its input. A client that chose the id waits
// until it is known to be free.
func (x *execution) begin(ctx context.Context, waiting bool) error {
	row := x.run
	if waiting {
		row.Status = host.RunPending
	}
	return x.store.CreateRun(ctx, row, x.leaseNow(), x.req.RunID != "")
}

func (x *execution) leaseNow() host.Lease {
	return host.Lease{Owner: x.node, Until: x.now().Add(x.lease)}
}

// execute passes the points of a run in their order.
func (x *execution) execute(ctx context.Context, waited bool) error {
	if waited {
		if err := x.store.StartRun(ctx, x.run.ID, x.run.Attempt); err != nil {
			return fmt.Errorf("start run: %w", err)
		}
	}
	if err := x.loadSession(ctx); err != nil {
		return err
	}
	x.emit(host.Event{Kind: host.EventRunStarted})
	for _, phase := range []func(context.Context) error{x.startup, x.input, x.answer, x.output} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}

// loadSession reads what the session brings: its state, its turn, its history.
func (x *execution) loadSession(ctx context.Context) error {
	if !x.fresh {
		if err := x.readSession(ctx); err != nil {
			return err
		}
	}
	if x.session.ID == "" {
		x.session = host.Session{
			ID: x.run.SessionID, Component: x.run.Component, UserID: x.run.UserID, CreatedAt: x.run.CreatedAt,
		}
	}
	x.run.SessionState = x.session.State
	return nil
}

func (x *execution) readSession(ctx context.Context) error {
	session, err := x.store.Session(ctx, x.run.SessionID)
	if host.CodeOf(err) == host.CodeNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	x.session = session
	if !x.plan.Empty() {
		if x.turn, err = x.store.Turns(ctx, session.ID); err != nil {
			return fmt.Errorf("count turns: %w", err)
		}
	}
	runs, err := x.store.History(ctx, session.ID, x.agent.HistoryRuns)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	for _, r := range runs {
		x.history = append(x.history,
			host.Message{Role: "user", Content: r.Input, FromHistory: true},
			host.Message{Role: "assistant", Content: r.Content, FromHistory: true})
	}
	return nil
}

// emit sends an event to whoever streams the run. Nobody reading is a reason to
// cancel.
func (x *execution) emit(event host.Event) {
	if x.req.Events == nil {
		return
	}
	event.At, event.Run = x.now(), &x.run
	if err := x.req.Events(event); err != nil {
		x.cancel(fmt.Errorf("stream event: %w", err))
		x.req.Events = nil
	}
}

// isCancelled reports whether a run that ended with err ended because nobody
// wants it any more. A refusal stays one.
func isCancelled(ctx context.Context, err error) bool {
	var refused *refusal
	if err == nil || errors.As(err, &refused) {
		return false
	}
	return ctx.Err() != nil || errors.Is(err, context.Canceled)
}
