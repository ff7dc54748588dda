package plugin

import (
	"context"
	"fmt"
)

// Sync makes memory equal the store. Call it at start; the registry's own
// changes and Watch call it. An active plugin that cannot be loaded is logged and stops
// nothing else; its calls, and the next Sync, try again.
func (r *Registry) Sync(ctx context.Context) error {
	r.change.Lock()
	defer r.change.Unlock()
	return r.sync(ctx)
}

func (r *Registry) sync(ctx context.Context) error {
	// What is read after it may be newer: then the next look reads once more.
	revision, err := r.store.Revision(ctx)
	if err != nil {
		return fmt.Errorf("read revision of plugins: %w", err)
	}
	plugins, err := r.store.Plugins(ctx)
	if err != nil {
		return fmt.Errorf("sync plugins: %w", err)
	}
	bindings, err := r.store.Bindings(ctx)
	if err != nil {
		return fmt.Errorf("sync bindings: %w", err)
	}
	s := newState(plugins, bindings)
	r.pin(context.WithoutCancel(ctx), s) // what was read is put into force whole
	r.state.Store(s)
	r.unpin(s)
	r.revision = revision
	return nil
}

// refresh is sync where another node changed something.
func (r *Registry) refresh(ctx context.Context) error {
	revision, err := r.store.Revision(ctx)
	if err != nil {
		return fmt.Errorf("read revision of plugins: %w", err)
	}
	if revision == r.revision {
		return nil
	}
	return r.sync(ctx)
}

// pin loads the active plugins and keeps them loaded.
func (r *Registry) pin(ctx context.Context, s *state) {
	for _, p := range s.active {
		if r.pins[p.Digest] != nil {
			continue
		}
		_, release, err := r.modules.acquire(ctx, p)
		if err != nil {
			r.log.ErrorContext(ctx, "load plugin", "plugin", p.Name, "version", p.Version, "err", err)
			continue
		}
		r.pins[p.Digest] = release
		if err := r.checkSecrets(p.Manifest); err != nil { // they were there when it was activated
			r.log.WarnContext(ctx, "requests of a plugin will fail", "plugin", p.Name, "version", p.Version, "err", err)
		}
	}
}

// unpin lets go of plugins that are not active any more. One that runs is closed
// when its last call returns.
func (r *Registry) unpin(s *state) {
	for digest, release := range r.pins {
		if p := s.byDigest[digest]; p == nil || !p.Active {
			delete(r.pins, digest)
			release()
		}
	}
}
