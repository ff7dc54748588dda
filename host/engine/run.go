package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/schema"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Run executes one run and returns it in its final state, also when it was
// refused, failed or cancelled. It fails only when the run could not be begun
// or stored: an *host.Error where the client must know. When it was not stored,
// a streaming client has got a RunError.
//
// A request whose idempotency key the user has used before waits for the first run
// of that key, however that one is run, and returns it.
func (e *Engine) Run(ctx context.Context, req host.RunRequest) (host.Run, error) {
	s, err := e.asked(&req)
	if err != nil {
		return host.Run{}, err
	}
	run, err := e.perform(ctx, s, req, lineage{})
	if first, ok := errors.AsType[*host.DuplicateError](err); ok {
		return e.repeat(ctx, &req, first.Run)
	}
	return run, err
}

// perform makes one run, in its turn.
func (e *Engine) perform(ctx context.Context, s *subject, req host.RunRequest, by lineage) (host.Run, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := e.newExecution(s, req, e.newRun(s, &req, by), cancel)
	if err := x.plan.CheckRequest(&req); err != nil {
		return host.Run{}, err
	}
	e.live.enter(x)
	defer e.live.leave(x)
	place, err := x.begin(ctx)
	if err != nil {
		return host.Run{}, err
	}
	defer place.leave()
	if err := x.waitTurn(ctx, place); err != nil {
		return x.finish(ctx, err)
	}
	return x.finish(ctx, x.execute(ctx))
}

// execution is the state of one run while it goes on.
type execution struct {
	*Engine
	*subject
	// tree is that of the run; parent is the run this one is inside of, nil for none,
	// and key its name there.
	tree   *tree
	parent *execution
	key    string
	model  model.Model
	req    host.RunRequest
	cancel context.CancelCauseFunc
	// interrupt ends the hooks of agent_shutdown while they run; cancelHeard is set
	// once somebody has asked to cancel the run. live guards both.
	interrupt   context.CancelFunc
	cancelHeard bool
	plan        *hook.Plan
	// pending is true while the run's row says PENDING.
	pending bool
	// from is what a background run goes on from, nil for its beginning; saved is its
	// last checkpoint, which tree.mu guards.
	from  *checkpoint
	saved *checkpoint
	// schema is what the content must fit, nil for anything.
	schema *schema.Schema
	// holdsBack is true when no content may leave before the hooks, and the schema,
	// have seen all of it; judged when hooks of output have to; covered when those of
	// a run around this one do, which has all content of this one wait for them.
	holdsBack, judged, covered bool
	// judgesMembers is true when hooks have to judge what members answer their leader.
	judgesMembers bool
	// tools are what the model may call.
	tools []*tool
	// requests counts those to the model.
	requests int
	// resultBytes counts what the calls of tools returned; mu guards it.
	resultBytes int
	// direct is what members answered in the place of their leader.
	direct json.RawMessage
	// steps are those of a workflow that have ended, carriedOut counts those that have
	// begun; mu guards them.
	steps      []doneStep
	carriedOut int

	// mu guards what calls made at once change: run.Tools, run.Messages, run.Children,
	// run.SessionState and emitted.
	mu sync.Mutex

	// startedAt is when the run's turn came.
	startedAt time.Time
	// run holds only what the hooks have permitted.
	run     host.Run
	session host.Session
	fresh   bool // the session did not exist
	turn    int
	history []host.Message
	// inputPermitted is set once the hooks of input permitted.
	inputPermitted bool
	// permitted is set once the hooks of output have permitted the draft as it was.
	permitted bool
	// draft is the model's answer until the hooks of output permit it.
	draft json.RawMessage
	// sent is what of the answer has left.
	sent []json.RawMessage

	// opened is set once agent_startup was passed.
	opened bool
	// emitted holds the points passed, with what they left to do; skipped are the
	// records of hooks at points the run did not come to.
	emitted []emitted
	skipped []host.HookCall
	// refused is set once a blocking hook denied.
	refused *refusal
}

// newRun is a run that begins now.
func (e *Engine) newRun(s *subject, req *host.RunRequest, by lineage) host.Run {
	info := e.ModelInfo(s.agent.Model)
	run := host.Run{
		ID: req.RunID, SessionID: req.SessionID, UserID: req.UserID, ParentID: by.parentID, Depth: by.depth,
		Component: s.component, Status: host.RunRunning, Parallel: s.agent.ParallelSessions, Attempt: 1,
		Model: info.ID, ModelProvider: info.Provider, CreatedAt: e.now(),
	}
	if run.ID == "" {
		run.ID = host.NewID()
	}
	if run.SessionID == "" {
		run.SessionID = host.NewID()
	}
	run.RootID = run.ID
	return run
}

// newExecution makes a run to be executed, that of a tree of its own.
func (e *Engine) newExecution(s *subject, req host.RunRequest, run host.Run, cancel context.CancelCauseFunc) *execution {
	plan := e.hooks.Plan(run.Component, run.Origin())
	x := &execution{
		Engine: e, subject: s, model: e.models[s.agent.Model], req: req, cancel: cancel, plan: plan, run: run,
		fresh:         req.SessionID == "",
		judged:        required(s.agent, pluginapi.PointOutput) || plan.Blocking(pluginapi.PointOutput),
		judgesMembers: s.team != nil && plan.Blocking(pluginapi.PointPostToolCall),
	}
	x.holdsBack = x.judged || plan.Blocking(pluginapi.PointPostModelCall) || outputSchema(s.agent, &req) != nil
	x.tree = &tree{root: x, events: req.Events}
	if s.composite() {
		x.tree.seed = uuid.NewString()
	}
	return x
}

// begin takes the run's place in its session and stores the run without its
// input.
func (x *execution) begin(ctx context.Context) (place, error) {
	if x.run.Parallel {
		return place{}, x.create(ctx)
	}
	arrival := x.sessions.arrival(x.run.SessionID)
	arrival.Lock()
	defer arrival.Unlock()
	p := x.sessions.enter(x.run.SessionID)
	x.pending = p.mustWait() || x.named()
	if err := x.create(ctx); err != nil {
		p.leave()
		return place{}, err
	}
	return p, nil
}

// named reports whether somebody can look at the run while it waits for runs of
// other nodes and of the background.
func (x *execution) named() bool {
	return !x.fresh && (x.req.RunID != "" || x.req.IdempotencyKey != "")
}

// create stores the run. A client that chose the id, or a key, waits until it is
// known to be free; that wait is not given up, or a run nobody executes could be
// left behind. A run that was cancelled before is over.
func (x *execution) create(ctx context.Context) error {
	row := x.run
	if x.pending {
		row.Status = host.RunPending
	}
	err := x.store.CreateRun(context.WithoutCancel(ctx), host.NewRun{
		Run: row, Lease: x.leaseNow(), IdempotencyKey: storedKey(&x.req),
		Wait:      x.req.RunID != "" || x.req.IdempotencyKey != "",
		Cancelled: func() { x.cancel(errCancelled) },
	})
	if err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	x.observer.RunStarted(x.run.Component)
	return nil
}

func (e *Engine) leaseNow() host.Lease {
	return host.Lease{Owner: e.node, Until: e.now().Add(e.lease)}
}
