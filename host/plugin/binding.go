package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// Resolve returns the bindings that apply to a run of c, each with the version
// it means now: those of the whole host, then the component's, and in both those
// of the configuration first. Bindings of the whole host apply to what a hook
// started only where they say nested, and with top_level to nothing inside a run.
func (r *Registry) Resolve(c host.Component, origin host.Origin) []host.BoundPlugin {
	s := r.state.Load()
	var bound []host.BoundPlugin
	for _, scope := range []host.BindingScope{host.HostWide, c.Scope()} {
		for _, b := range r.bindings(s, scope) {
			if scope != host.HostWide || appliesTo(&b, origin) {
				bound = append(bound, s.bind(b))
			}
		}
	}
	return bound
}

// appliesTo reports whether a binding of the whole host applies to such a run.
func appliesTo(b *host.Binding, origin host.Origin) bool {
	switch origin {
	case host.OriginHook:
		return b.Nested
	case host.OriginParent:
		return !b.TopLevel
	}
	return true
}

// Bindings returns the bindings of one scope in their order, each with its
// source.
func (r *Registry) Bindings(scope host.BindingScope) []host.Binding {
	return r.bindings(r.state.Load(), scope)
}

func (r *Registry) bindings(s *state, scope host.BindingScope) []host.Binding {
	return slices.Concat(r.configBindings[scope], s.bindings[scope])
}

// MaxBindings bounds the bindings of one scope that are made over the API.
const MaxBindings = 1000

// PutBindings replaces the bindings of a scope that were made over the API.
// Everything that is wrong with them is reported at once, in an *host.Error with
// CodeInvalid, the field hooks, and paths such as hooks[0].mode; nothing is
// stored then.
func (r *Registry) PutBindings(ctx context.Context, scope host.BindingScope, bindings []host.Binding) error {
	r.change.Lock()
	defer r.change.Unlock()
	if err := r.refresh(ctx); err != nil {
		return err
	}
	if err := r.checkBindings(scope, bindings); err != nil {
		return err
	}
	// Their source is where they are kept.
	if err := r.store.PutBindings(ctx, scope, withSource(bindings, "")); err != nil {
		return fmt.Errorf("store bindings: %w", err)
	}
	if err := r.sync(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("put bindings: %w", err)
	}
	return nil
}

func (r *Registry) checkBindings(scope host.BindingScope, bindings []host.Binding) error {
	if len(bindings) > MaxBindings {
		return host.Invalid("hooks", "there are %d bindings; at most %d are allowed", len(bindings), MaxBindings)
	}
	configs := r.newConfigChecks()
	var problems []host.Problem
	for i, b := range bindings {
		c := r.newBindingCheck(fmt.Sprintf("hooks[%d]", i), scope, b, configs)
		c.run()
		problems = append(problems, c.problems...)
	}
	return refusal("hooks", "the bindings are refused", problems)
}

// CheckConfigBindings checks the bindings of the configuration against what is
// installed. A plugin without an active version is only a warning: the hook
// counts as failed until it is activated. All else is one *host.Error with
// CodeInvalid and all problems.
func (r *Registry) CheckConfigBindings() (warnings []string, err error) {
	configs := r.newConfigChecks()
	var problems []host.Problem
	for scope, bindings := range r.configBindings {
		for i, b := range bindings {
			c := r.newBindingCheck(bindingPath(scope, i), scope, b, configs)
			c.binding.Source = ""
			if c.inactive() {
				warnings = append(warnings, fmt.Sprintf("%s: the plugin %q has no active version: its hooks count as failed", c.path, b.Plugin))
				continue
			}
			c.run()
			problems = append(problems, c.problems...)
		}
	}
	slices.Sort(warnings)
	slices.SortStableFunc(problems, func(a, b host.Problem) int { return strings.Compare(a.Path, b.Path) })
	return warnings, refusal("hooks", "the bindings of the configuration are refused", problems)
}

// bindingPath names a binding by its scope and its position there.
func bindingPath(scope host.BindingScope, i int) string {
	if scope == host.HostWide {
		return fmt.Sprintf("hooks[%d]", i)
	}
	return fmt.Sprintf("%s[%q].hooks[%d]", string(scope.Kind)+"s", scope.ID, i)
}
