package plugin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// checkUnused refuses to take away the version that bindings, and those who use its
// tools, mean.
func (r *Registry) checkUnused(p *host.Plugin, force bool) error {
	s := r.state.Load()
	if force || s.bind(host.Binding{Plugin: p.Name}).Plugin != p {
		return nil
	}
	users := append(r.boundBy(s, p.Name, place), r.toolUsers(p.Name, every)...)
	return conflict(users, "the plugin %s %s is in use", p.Name, p.Version)
}

// checkHasUsed refuses a version without the hooks that bindings name, or without
// tools that are used.
func (r *Registry) checkHasUsed(m pluginapi.Manifest) error {
	return conflict(append(r.lackingHooks(m), r.lackingTools(m)...),
		"the plugin %s %s lacks what is in use; its hooks are %s, its tools %s", m.Name, m.Version, hookNames(m), toolNames(m))
}

// lackingHooks are the hooks that bindings name and the version does not have.
func (r *Registry) lackingHooks(m pluginapi.Manifest) []host.Problem {
	return r.boundBy(r.state.Load(), m.Name, func(b host.Binding) string {
		has := slices.ContainsFunc(m.Hooks, func(h pluginapi.Hook) bool { return h.Name == b.Hook })
		if has || b.Hook == "" {
			return ""
		}
		return fmt.Sprintf("the hook %s, %s", b.Hook, place(b))
	})
}

// conflict is an error that lists users of a plugin, nil for none.
func conflict(users []host.Problem, format string, args ...any) error {
	if len(users) == 0 {
		return nil
	}
	return &host.Error{Code: host.CodeConflict, Problems: users, Message: fmt.Sprintf(format, args...)}
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
