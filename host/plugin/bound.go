package plugin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// checkUnbound refuses to take away the version that bindings mean.
func (r *Registry) checkUnbound(p *host.Plugin, force bool) error {
	s := r.state.Load()
	if force || s.bind(host.Binding{Plugin: p.Name}).Plugin != p {
		return nil
	}
	return conflict(r.boundBy(s, p.Name, place), "the plugin %s %s is bound", p.Name, p.Version)
}

// checkBoundHooks refuses a version without the hooks that bindings name.
func (r *Registry) checkBoundHooks(m pluginapi.Manifest) error {
	lacking := r.boundBy(r.state.Load(), m.Name, func(b host.Binding) string {
		has := slices.ContainsFunc(m.Hooks, func(h pluginapi.Hook) bool { return h.Name == b.Hook })
		if has || b.Hook == "" {
			return ""
		}
		return fmt.Sprintf("the hook %s, %s", b.Hook, place(b))
	})
	return conflict(lacking, "the plugin %s %s lacks hooks that are bound; it has %s", m.Name, m.Version, hookNames(m))
}

// conflict is an error that lists bindings, nil for none.
func conflict(bindings []host.Problem, format string, args ...any) error {
	if len(bindings) == 0 {
		return nil
	}
	return &host.Error{Code: host.CodeConflict, Problems: bindings, Message: fmt.Sprintf(format, args...)}
}

// boundBy lists the bindings of a plugin that there is something to say of: those
// of the whole host first, each with its component and its position among the
// component's own.
func (r *Registry) boundBy(s *state, name string, say func(host.Binding) string) []host.Problem {
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
			if b.Plugin != name {
				continue
			}
			if message := say(b); message != "" {
				bound = append(bound, host.Problem{Path: bindingPath(scope, i), Message: message})
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
