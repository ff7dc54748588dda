package hook

import (
	"encoding/json"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Deadlines and retries of hooks that name none.
const (
	DefaultBlockingTimeout   = 5 * time.Second // agent-hooks/0.1 §7 recommends it
	DefaultBackgroundTimeout = 30 * time.Second
	DefaultMaxAttempts       = 5
	DefaultRetryInitial      = time.Second
	DefaultRetryMax          = 5 * time.Minute
)

// Hook is one hook of a run: the manifest's hook with the binding's overrides.
type Hook struct {
	Plugin    string
	Version   string
	Digest    string
	Name      string
	Export    string
	Point     pluginapi.Point
	Mode      pluginapi.Mode
	Guardrail bool
	// FailOpen lets the run pass when the hook fails.
	FailOpen bool
	Timeout  time.Duration
	Config   json.RawMessage
	Retry    pluginapi.Retry
	// Missing is true for a binding whose plugin has no active version, or not
	// that hook: it counts as a hook that failed.
	Missing bool
	// Position orders the hooks of one point.
	Position int
}

// FullName is "<plugin>.<hook>", the name in events.
func (h *Hook) FullName() string {
	if h.Name == "" {
		return h.Plugin
	}
	return h.Plugin + "." + h.Name
}

// Plan is the hooks of one run, fixed when the run begins.
type Plan struct {
	hooks map[pluginapi.Point][]Hook
}

// At returns the hooks of a point in their order.
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

// Plan resolves the bindings of a component now. parentID is the run's parent,
// empty for a top-level run.
func (d *Dispatcher) Plan(c host.Component, parentID string) *Plan {
	p := &Plan{hooks: map[pluginapi.Point][]Hook{}}
	for _, bound := range d.bindings.Resolve(c, parentID) {
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

// missing stands for a hook nobody can call. Its point is unknown, so it takes
// the first that every run passes.
func (d *Dispatcher) missing(b host.Binding) Hook {
	mode := b.Mode
	if mode == "" {
		mode = pluginapi.ModeBlocking
	}
	return Hook{
		Plugin: b.Plugin, Name: b.Hook, Point: pluginapi.PointInput, Mode: mode,
		FailOpen: b.OnError == pluginapi.OnErrorAllow, Missing: true,
	}
}

func (d *Dispatcher) merge(bound host.BoundPlugin, m pluginapi.Hook) Hook {
	b := bound.Binding
	h := Hook{
		Plugin:    bound.Plugin.Name,
		Version:   bound.Plugin.Version,
		Digest:    bound.Plugin.Digest,
		Name:      m.Name,
		Export:    m.Export,
		Point:     m.Point,
		Mode:      d.mode(b, m),
		Guardrail: m.Guardrail,
		FailOpen:  b.OnError == pluginapi.OnErrorAllow && !m.Guardrail,
		Config:    b.Config,
	}
	h.Timeout = firstTimeout(time.Duration(b.Timeout), time.Duration(m.Timeout), defaultTimeout(h.Mode))
	h.Retry = retryOf(m.Retry)
	return h
}

// mode decides who waits: guardrail, binding, manifest, host, blocking.
func (d *Dispatcher) mode(b host.Binding, m pluginapi.Hook) pluginapi.Mode {
	switch {
	case m.Guardrail:
		return pluginapi.ModeBlocking
	case b.Mode != "":
		return b.Mode
	case m.Mode != "":
		return m.Mode
	case d.inBackground:
		return pluginapi.ModeBackground
	}
	return pluginapi.ModeBlocking
}

func defaultTimeout(m pluginapi.Mode) time.Duration {
	if m == pluginapi.ModeBackground {
		return DefaultBackgroundTimeout
	}
	return DefaultBlockingTimeout
}

func firstTimeout(values ...time.Duration) time.Duration {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

func retryOf(r *pluginapi.Retry) pluginapi.Retry {
	out := pluginapi.Retry{
		MaxAttempts: DefaultMaxAttempts,
		Initial:     pluginapi.Duration(DefaultRetryInitial),
		Max:         pluginapi.Duration(DefaultRetryMax),
	}
	if r == nil {
		return out
	}
	if r.MaxAttempts > 0 {
		out.MaxAttempts = r.MaxAttempts
	}
	if r.Initial > 0 {
		out.Initial = r.Initial
	}
	if r.Max > 0 {
		out.Max = r.Max
	}
	return out
}
