package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
)

// childRequest asks for a run inside another one.
type childRequest struct {
	// key names the child among those of its parent; it is the same when another
	// worker goes on with the tree.
	key     string
	subject *subject
	// input is a JSON string or object.
	input json.RawMessage
	// schema is what the content must fit; nil for the component's own.
	schema json.RawMessage
	// step is that of a workflow; nil has the child be of its parent's step.
	step *host.RunStep
}

// child executes a run inside this one and returns its end, whatever that is. It
// fails when the whole tree is to end: ctx has ended, or the store failed.
func (x *execution) child(ctx context.Context, req childRequest) (host.Run, error) {
	inside, cancel := context.WithCancelCause(ctx) // which may end before ctx
	defer cancel(nil)
	if err := x.unchanged(&req); err != nil {
		return host.Run{}, err
	}
	child := x.newChild(x.childID(req.key), &req, cancel)
	x.live.enter(child)
	defer x.live.leave(child)
	run, ended, err := child.endedBefore(ctx)
	if err == nil && !ended {
		run, err = child.carryOutInside(inside)
	}
	if err != nil {
		return host.Run{}, err
	}
	x.adopt(req.key, run)
	if ctx.Err() != nil {
		return run, context.Cause(ctx)
	}
	return run, nil
}

// childID is the id of the child of that key, in whichever attempt. Clients, who may
// choose ids of their own, cannot know it before.
func (x *execution) childID(key string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(x.tree.seed+"/"+x.run.ID+"/"+key)).String()
}

// endedBefore returns the run as an earlier worker ended it, if one has. A cancel that
// came since ends the run.
func (x *execution) endedBefore(ctx context.Context) (run host.Run, ended bool, err error) {
	if x.tree.root.from == nil {
		return run, false, nil
	}
	run, err = x.store.Run(ctx, x.run.ID)
	switch {
	case host.CodeOf(err) == host.CodeNotFound:
		return run, false, x.hearKept(ctx)
	case err != nil:
		return run, false, &storeError{"read child run", err}
	case !x.owns(&run):
		return run, false, x.taken(&run)
	}
	return run, true, nil
}

// hearKept cancels the run if the store keeps a cancel for it.
func (x *execution) hearKept(ctx context.Context) error {
	kept, err := x.store.KeptCancels(ctx, []string{x.run.ID})
	if err != nil {
		return &storeError{"read cancels", err}
	}
	if len(kept) > 0 {
		x.live.cancel(x.run.ID, false)
	}
	return nil
}

// owns reports whether a row of the run's id is the run's, as far as a worker can
// tell: of the same place in the same tree.
func (x *execution) owns(row *host.Run) bool {
	return row.RootID == x.run.RootID && row.ParentID == x.run.ParentID && row.Component.Scope() == x.run.Component.Scope()
}

// taken ends the whole tree, since a run that is none of it has the id of this one, or
// one of an earlier worker that had another component here.
func (x *execution) taken(by *host.Run) error {
	if by.RootID == x.run.RootID && by.ParentID == x.run.ParentID {
		return x.parent.changed(x.run.Component, by.Component)
	}
	return x.endTree(fmt.Sprintf("the id %s of the run of %s inside it belongs to another run", x.run.ID, x.run.Component.ID))
}

// endTree ends the whole tree of runs.
func (x *execution) endTree(why string) error {
	ended := &fault{host.Failure{Type: failureRun, ID: string(host.CodeConflict), Message: "The run cannot go on: " + why + "."}}
	x.tree.root.cancel(ended)
	return ended
}

func (x *execution) newChild(id string, req *childRequest, cancel context.CancelCauseFunc) *execution {
	run := x.newRun(req.subject, &host.RunRequest{RunID: id, SessionID: x.run.SessionID, UserID: x.run.UserID}, lineage{
		parentID: x.run.ID, depth: x.run.Depth,
	})
	run.RootID, run.Attempt, run.Parallel = x.run.RootID, x.run.Attempt, false
	run.Place = placeOf(req.key)
	if run.Step = req.step; run.Step == nil {
		run.Step = x.run.Step
	}
	child := x.newExecution(req.subject, host.RunRequest{
		Component: req.subject.component, RunID: id, SessionID: x.run.SessionID, UserID: x.run.UserID,
		Input: req.input, OutputSchema: req.schema,
		Dependencies: x.req.Dependencies, Metadata: x.req.Metadata, Arguments: x.req.Arguments, Deltas: x.req.Deltas,
	}, run, cancel)
	child.tree, child.parent, child.key, child.turn = x.tree, x, req.key, x.turn
	child.covered = x.covered || x.judged || x.judgesMembers
	if from := x.unfinished(req.key); from != nil {
		child.resume(from)
	}
	return child
}

// placeOf is where the run of that key stands among those inside its parent: its call
// and its member, or the steps to it, each with its try.
func placeOf(key string) []int {
	_, path, _ := strings.Cut(key, "/")
	var place []int
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '.' }) {
		index, try, _ := strings.Cut(part, "#")
		place = append(place, number(index), number(try))
	}
	return place
}

// number is the number in a key, 0 for none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// adopt adds a run that has ended to those inside this one.
func (x *execution) adopt(key string, run host.Run) {
	x.forget(key)
	x.mu.Lock()
	defer x.mu.Unlock()
	children := append(slices.Clone(x.run.Children), run) // events show the ones before
	slices.SortStableFunc(children, host.ByPlace)
	x.run.Children = children
}

// carryOutInside executes a run inside another one and stores its end. It fails
// when that could not be stored.
func (x *execution) carryOutInside(ctx context.Context) (host.Run, error) {
	x.observer.RunStarted(x.run.Component)
	defer x.ended()
	cause := x.execute(ctx)
	err := x.leftOffInside(ctx, cause)
	if err == nil {
		err = x.endUnfinished(ctx)
	}
	if err == nil {
		err = x.conclude(ctx, cause)
	}
	if errors.Is(err, host.ErrStale) {
		row, unread := x.store.Run(context.WithoutCancel(ctx), x.run.ID)
		if unread == nil && !x.owns(&row) {
			err = x.taken(&row)
		}
	}
	if err != nil {
		x.run.Status = host.RunRunning
		return host.Run{}, err
	}
	x.emitEnd()
	return x.run, nil
}

// leftOffInside is leftOff of a run inside another one. A step that failed beside it
// ends it; so does a client that leaves.
func (x *execution) leftOffInside(ctx context.Context, cause error) error {
	var unread *storeError
	var beside *stepFailure
	switch {
	case errors.As(cause, &unread):
		return cause
	case x.tree.journal == nil, errors.As(context.Cause(ctx), &beside):
		return nil
	}
	return leftOff(ctx, cause)
}

// inside reports whether the run is inside another one.
func (x *execution) inside() bool { return x.parent != nil }

// lineage says who asked for a run.
type lineage struct {
	parentID string
	depth    int
}

// failureOf words why a run inside this one has not completed.
func failureOf(run *host.Run) string {
	switch {
	case run.Status == host.RunCompleted:
		return ""
	case run.Failure != nil && run.Failure.Refused:
		return fmt.Sprintf("%s refused: %s", run.Component.ID, run.Failure.Message)
	case run.Failure != nil:
		return fmt.Sprintf("%s failed: %s", run.Component.ID, run.Failure.Message)
	}
	return run.Component.ID + " was cancelled"
}

// WithChildren returns the run with the finished runs inside it, and those inside
// them. A run that was refused shows none.
func (e *Engine) WithChildren(ctx context.Context, run host.Run) (host.Run, error) {
	if run.Component.Kind == host.KindAgent || run.Hides() {
		return run, nil
	}
	children, err := e.store.ChildRuns(ctx, run.ID)
	if err != nil {
		return run, fmt.Errorf("read child runs: %w", err)
	}
	for i := range children {
		if children[i], err = e.WithChildren(ctx, children[i]); err != nil {
			return run, err
		}
	}
	run.Children = children
	return run, nil
}
