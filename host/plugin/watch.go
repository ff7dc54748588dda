package plugin

import (
	"context"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Watch puts into force here what other nodes change of plugins, grants,
// activations and bindings, until ctx ends; then it returns nil. A look that
// fails is logged, once until one succeeds, and repeated. Let it return before
// Close.
func (r *Registry) Watch(ctx context.Context) error {
	tick := time.NewTicker(r.poll)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-r.signalled:
		}
		err := r.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "look for changes of plugins", "err", err)
		}
		failing = err != nil
	}
}

// look reads what changed, if anything did.
func (r *Registry) look(ctx context.Context) error {
	r.change.Lock()
	defer r.change.Unlock()
	return r.refresh(ctx)
}

// Receive has Watch look at once when the plugins changed. It returns at once.
func (r *Registry) Receive(s host.Signal) {
	if s.Kind != host.SignalPlugins {
		return
	}
	select {
	case r.signalled <- struct{}{}:
	default: // it is about to look
	}
}
