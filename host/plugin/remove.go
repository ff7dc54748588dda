package plugin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// Deactivate leaves a plugin without an active version when this one is it; new
// runs call it no more, calls in flight finish. While it is bound that is
// CodeConflict with the bindings, unless force is true: the bindings stay then,
// and their hooks count as failed. A version that is not active stays as it is.
func (r *Registry) Deactivate(ctx context.Context, name, version string, force bool) (host.Plugin, error) {
	r.change.Lock()
	defer r.change.Unlock()
	p, err := r.find(name, version)
	if err != nil {
		return host.Plugin{}, err
	}
	if !p.Active {
		return *p, nil
	}
	if err := r.checkUnbound(p, force); err != nil {
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
// what it kept. A version that is active, or that bindings mean, is CodeConflict
// unless force is true: such bindings stay and count as failed hooks. While a
// hook call of the version is not final it is CodeConflict always: the call
// would be lost.
func (r *Registry) Delete(ctx context.Context, name, version string, force bool) error {
	r.change.Lock()
	defer r.change.Unlock()
	p, err := r.find(name, version)
	if err != nil {
		return err
	}
	if err := r.checkUnbound(p, force); err != nil {
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

// checkUnbound refuses to take away the version that bindings mean.
func (r *Registry) checkUnbound(p *host.Plugin, force bool) error {
	s := r.state.Load()
	if force || s.bind(host.Binding{Plugin: p.Name}).Plugin != p {
		return nil
	}
	bound := r.boundBy(s, p.Name)
	if len(bound) == 0 {
		return nil
	}
	return &host.Error{
		Code: host.CodeConflict, Problems: bound,
		Message: fmt.Sprintf("the plugin %s %s is bound", p.Name, p.Version),
	}
}

// boundBy lists the bindings of a plugin: those of the whole host first, each
// with its component and its position among the component's own.
func (r *Registry) boundBy(s *state, name string) []host.Problem {
	scopes := map[host.BindingScope]bool{}
	for scope := range r.configBindings {
		scopes[scope] = true
	}
	for scope := range s.bindings {
		scopes[scope] = true
	}
	var bound []host.Problem
	for _, scope := range slices.SortedFunc(maps.Keys(scopes), compareScopes) {
		for i, b := range r.bindings(s, scope) {
			if b.Plugin == name {
				bound = append(bound, host.Problem{Path: bindingPath(scope, i), Message: place(b)})
			}
		}
	}
	return bound
}

func compareScopes(a, b host.BindingScope) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// place says where a binding was made.
func place(b host.Binding) string {
	if b.Source == host.SourceConfig {
		return "bound in the configuration"
	}
	return "bound over the API"
}
