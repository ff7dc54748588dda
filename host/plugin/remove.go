package plugin

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// Deactivate leaves a plugin without an active version when this one is it; new
// runs call it no more, calls in flight finish. While it is bound, or its
// tools are used, that is CodeConflict with the users, unless force is true: the
// bindings stay then, and their hooks count as failed. A version that is not active
// stays as it is.
func (r *Registry) Deactivate(ctx context.Context, name, version string, force bool) (host.Plugin, error) {
	r.change.Lock()
	defer r.change.Unlock()
	if err := r.refresh(ctx); err != nil {
		return host.Plugin{}, err
	}
	p, err := r.find(name, version)
	if err != nil {
		return host.Plugin{}, err
	}
	if !p.Active {
		return *p, nil
	}
	if err := r.checkUnused(p, force); err != nil {
		return host.Plugin{}, err
	}
	if err := r.store.DeactivatePlugin(ctx, name, version); err != nil {
		return host.Plugin{}, fmt.Errorf("deactivate plugin %s %s: %w", name, version, err)
	}
	if err := r.sync(context.WithoutCancel(ctx)); err != nil {
		return host.Plugin{}, fmt.Errorf("deactivate plugin %s %s: %w", name, version, err)
	}
	return r.Plugin(name, version)
}

// Delete deletes a version, its module, and with the last version of a plugin
// what it kept. A version that is active, or that bindings or users of its tools
// mean, is CodeConflict unless force is true: such bindings stay and count as failed
// hooks. While a hook call of the version is not final it is CodeConflict always: the
// call would be lost.
func (r *Registry) Delete(ctx context.Context, name, version string, force bool) error {
	r.change.Lock()
	defer r.change.Unlock()
	if err := r.refresh(ctx); err != nil {
		return err
	}
	p, err := r.find(name, version)
	if err != nil {
		return err
	}
	if err := r.checkUnused(p, force); err != nil {
		return err
	}
	if p.Active && !force {
		return host.Errorf(host.CodeConflict, "the plugin %s %s is active: deactivate it first", name, version)
	}
	module, unread := r.store.PluginModule(ctx, p.Digest)
	if err := r.store.DeletePlugin(ctx, name, version); err != nil {
		return fmt.Errorf("delete plugin %s %s: %w", name, version, err)
	}
	if unread == nil { // else its compiled code stays behind
		r.discard(context.WithoutCancel(ctx), sourceOf(p.Manifest, module))
	}
	if err := r.sync(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("delete plugin %s %s: %w", name, version, err)
	}
	return nil
}
