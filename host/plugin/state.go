package plugin

import (
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// state is what the store said at one moment. It never changes.
type state struct {
	// plugins are all versions, by name and then by creation.
	plugins  []host.Plugin
	byDigest map[string]*host.Plugin
	active   map[string]*host.Plugin
	// last are, by name, the versions that were active last where none is.
	last map[string]*host.Plugin
	// bindings are those made over the API.
	bindings map[host.BindingScope][]host.Binding
}

func newState(plugins []host.Plugin, bindings map[host.BindingScope][]host.Binding) *state {
	s := &state{
		plugins:  plugins,
		byDigest: map[string]*host.Plugin{},
		active:   map[string]*host.Plugin{},
		last:     map[string]*host.Plugin{},
		bindings: map[host.BindingScope][]host.Binding{},
	}
	for i := range plugins {
		p := &plugins[i]
		s.byDigest[p.Digest] = p
		switch {
		case p.Active:
			s.active[p.Name] = p
		case !p.ActivatedAt.IsZero():
			s.last[p.Name] = p
		}
	}
	for scope, list := range bindings {
		s.bindings[scope] = withSource(list, host.SourceAPI)
	}
	return s
}

// bind returns a binding with the version it means.
func (s *state) bind(b host.Binding) host.BoundPlugin {
	if p := s.active[b.Plugin]; p != nil {
		return host.BoundPlugin{Binding: b, Plugin: p}
	}
	p := s.last[b.Plugin]
	return host.BoundPlugin{Binding: b, Plugin: p, Inactive: p != nil}
}

// version returns one version of a plugin, or false.
func (s *state) version(name, version string) (*host.Plugin, bool) {
	for i := range s.plugins {
		if s.plugins[i].Name == name && s.plugins[i].Version == version {
			return &s.plugins[i], true
		}
	}
	return nil, false
}

// knows reports whether any version of a plugin is installed.
func (s *state) knows(name string) bool {
	return slices.ContainsFunc(s.plugins, func(p host.Plugin) bool { return p.Name == name })
}

// decided reports whether a version was ever activated, or another one since it was
// installed.
func (s *state) decided(p *host.Plugin) bool {
	return p.Grants != nil || slices.ContainsFunc(s.plugins, func(other host.Plugin) bool {
		return other.Name == p.Name && !other.ActivatedAt.IsZero() && !other.ActivatedAt.Before(p.CreatedAt)
	})
}

// withSource returns a copy of the bindings that says where they were made.
func withSource(bindings []host.Binding, source host.BindingSource) []host.Binding {
	bindings = slices.Clone(bindings)
	for i := range bindings {
		bindings[i].Source = source
	}
	return bindings
}
