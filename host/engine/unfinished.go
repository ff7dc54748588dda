package engine

import (
	"context"
	"errors"
	"maps"

	"github.com/snaphook-dev/snaphook/host"
)

// unfinished is the checkpoint of a run inside this one, nil for none.
func (x *execution) unfinished(key string) *checkpoint {
	x.tree.mu.Lock()
	defer x.tree.mu.Unlock()
	if x.saved == nil {
		return nil
	}
	return x.saved.Children[key]
}

// forget drops the checkpoint of a run inside this one, which has ended.
func (x *execution) forget(key string) {
	x.tree.mu.Lock()
	defer x.tree.mu.Unlock()
	if x.saved != nil {
		delete(x.saved.Children, key)
	}
}

// endUnfinished ends, as CANCELLED, the runs inside this one that an earlier worker
// had to leave and that nobody will go on with.
func (x *execution) endUnfinished(ctx context.Context) error {
	if x.saved == nil {
		return nil
	}
	for key, from := range maps.Clone(x.saved.Children) {
		s, err := x.lookup(from.Run.Component.Scope())
		if err != nil { // this node does not know it
			s = &subject{component: from.Run.Component, agent: &host.Agent{ID: from.Run.Component.ID}}
		}
		child := x.newChild(from.Run.ID, &childRequest{key: key, subject: s, step: from.Run.Step}, x.cancel)
		if err := child.abandon(ctx); err != nil {
			return err
		}
		x.forget(key)
	}
	return nil
}

// abandon stores the end of a run nobody goes on with. One that has ended already is
// left as it is.
func (x *execution) abandon(ctx context.Context) error {
	if err := x.endUnfinished(ctx); err != nil {
		return err
	}
	x.observer.RunStarted(x.run.Component)
	defer x.ended()
	switch err := x.conclude(ctx, errCancelled); {
	case errors.Is(err, host.ErrStale):
		x.run.Status = host.RunRunning
	case err != nil:
		x.run.Status = host.RunRunning
		return err
	default:
		x.emitEnd()
	}
	return nil
}
