package hook

import (
	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Plan is the hooks of one run, fixed when the run begins. It does not change
// and may be shared.
type Plan struct {
	hooks map[pluginapi.Point][]Hook // nil without hooks
}

// At returns the hooks of a point in their order; they must not be changed.
func (p *Plan) At(point pluginapi.Point) []Hook { return p.hooks[point] }

// Empty reports whether no hook is bound at any point.
func (p *Plan) Empty() bool { return len(p.hooks) == 0 }

// Blocking reports whether a blocking hook is bound at the point.
func (p *Plan) Blocking(point pluginapi.Point) bool {
	for i := range p.hooks[point] {
		if p.hooks[point][i].Mode == pluginapi.ModeBlocking {
			return true
		}
	}
	return false
}

// Plan resolves the bindings of a component now, for a run that origin asked for.
func (d *Dispatcher) Plan(c host.Component, origin host.Origin) *Plan {
	bindings := d.bindings.Resolve(c, origin)
	if len(bindings) == 0 {
		return &Plan{}
	}
	p := &Plan{hooks: map[pluginapi.Point][]Hook{}}
	for _, bound := range bindings {
		for _, h := range d.expand(bound) {
			h.Position = len(p.hooks[h.Point])
			p.hooks[h.Point] = append(p.hooks[h.Point], h)
		}
	}
	return p
}

// expand turns a binding into its hooks.
func (d *Dispatcher) expand(bound host.BoundPlugin) []Hook {
	if bound.Plugin == nil {
		return []Hook{d.missing(bound.Binding)}
	}
	if bound.Binding.Hook == "" {
		hooks := make([]Hook, 0, len(bound.Plugin.Manifest.Hooks))
		for _, h := range bound.Plugin.Manifest.Hooks {
			hooks = append(hooks, d.merge(bound, h))
		}
		return hooks
	}
	h, ok := bound.Plugin.Hook(bound.Binding.Hook)
	if !ok {
		return []Hook{d.missing(bound.Binding)}
	}
	return []Hook{d.merge(bound, h)}
}
