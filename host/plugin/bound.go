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

// checkFits refuses a version that bindings do not fit as they are: its hooks would
// get a configuration they do not know, and a host with such a binding in its
// configuration would not start again.
func (r *Registry) checkFits(p *host.Plugin) error {
	configs := r.newConfigChecks()
	var misfits []host.Problem
	r.eachBinding(r.state.Load(), p.Name, func(path string, b host.Binding) {
		c := bindingCheck{path: path, binding: b, configs: configs, components: r.components}
		c.checkHooks(p)
		c.checkConfig(p.Manifest)
		misfits = append(misfits, c.problems...)
	})
	return conflict(misfits, "bindings do not fit the plugin %s %s", p.Name, p.Version)
}

// conflict is an error that lists users of a plugin, nil for none.
func conflict(users []host.Problem, format string, args ...any) error {
	if len(users) == 0 {
		return nil
	}
	return &host.Error{Code: host.CodeConflict, Problems: users, Message: fmt.Sprintf(format, args...)}
}

// boundBy lists the bindings of a plugin that there is something to say of.
func (r *Registry) boundBy(s *state, name string, say func(host.Binding) string) []host.Problem {
	var bound []host.Problem
	r.eachBinding(s, name, func(path string, b host.Binding) {
		if message := say(b); message != "" {
			bound = append(bound, host.Problem{Path: path, Message: message})
		}
	})
	return bound
}

// eachBinding visits the bindings of a plugin, those of the whole host first. path
// has the component and the position among the component's own.
func (r *Registry) eachBinding(s *state, name string, visit func(path string, b host.Binding)) {
	scopes := map[host.BindingScope]bool{}
	for scope := range r.configBindings {
		scopes[scope] = true
	}
	for scope := range s.bindings {
		scopes[scope] = true
	}
	for _, scope := range slices.SortedFunc(maps.Keys(scopes), compareScopes) {
		for i, b := range r.bindings(s, scope) {
			if b.Plugin == name {
				visit(bindingPath(scope, i), b)
			}
		}
	}
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
