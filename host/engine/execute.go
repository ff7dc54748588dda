package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// start is what precedes the points.
func (x *execution) start(ctx context.Context) (err error) {
	if raw := outputSchema(x.agent, &x.req); raw != nil {
		if x.schema, err = compileSchema(raw); err != nil {
			return err
		}
	}
	if x.pending {
		if err := x.store.StartRun(ctx, x.run.ID, x.run.Attempt); err != nil {
			return fmt.Errorf("start run: %w", err)
		}
	}
	if x.from == nil {
		x.startedAt = x.now()
	}
	if !x.inside() {
		if err := x.loadSession(ctx); err != nil {
			return err
		}
	}
	if x.team == nil { // clients are told of a team after the hooks of its input
		x.emitStart()
	}
	return x.openTools(ctx)
}

// errPanicked is a fault of the host that must not leave the run RUNNING.
var errPanicked = errors.New("the run panicked")

// contain, deferred in each goroutine of a run, has a panic end that run alone.
func (x *execution) contain(err *error) {
	if v := recover(); v != nil {
		x.log.Error("run panicked", "run_id", x.run.ID, "panic", v, "stack", string(debug.Stack()))
		*err = errPanicked
	}
}

// execute passes the points of a run in their order.
func (x *execution) execute(ctx context.Context) (err error) {
	defer x.contain(&err)
	if err := x.start(ctx); err != nil {
		return err
	}
	phases := [...]func(context.Context) error{x.startup, x.input, x.saveRoot, x.answer, x.output}
	rest := phases[:]
	if x.from != nil { // past the first three
		rest = phases[3:]
		if x.team != nil {
			x.emitStart()
		}
	}
	for _, phase := range rest {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}
