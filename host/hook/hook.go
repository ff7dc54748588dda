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
	Config   json.RawMessage `json:",omitempty"`
	Retry    pluginapi.Retry
	// SessionState is true when the hook may see the session's state.
	SessionState bool
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

// merge lays a binding over the manifest's hook.
func (d *Dispatcher) merge(bound host.BoundPlugin, m pluginapi.Hook) Hook {
	b := bound.Binding
	mode := d.mode(b, m)
	return Hook{
		Plugin:       bound.Plugin.Name,
		Version:      bound.Plugin.Version,
		Digest:       bound.Plugin.Digest,
		Name:         m.Name,
		Export:       m.Export,
		Point:        m.Point,
		Mode:         mode,
		Guardrail:    m.Guardrail,
		FailOpen:     b.OnError == pluginapi.OnErrorAllow && !m.Guardrail,
		Timeout:      timeoutOf(mode, b, m),
		Config:       b.Config,
		Retry:        retryOf(m.Retry),
		SessionState: bound.Plugin.Granted(pluginapi.PermissionSessionState),
		Missing:      bound.Inactive,
	}
}

// missing stands for a hook nobody knows. Its point is unknown, so it takes
// the first that every run passes. Nobody knows whether it is a guardrail
// either: unless the binding puts it into the background it blocks, and it
// never fails open.
func (d *Dispatcher) missing(b host.Binding) Hook {
	mode := b.Mode
	if mode == "" {
		mode = pluginapi.ModeBlocking
	}
	return Hook{Plugin: b.Plugin, Name: b.Hook, Point: pluginapi.PointInput, Mode: mode, Missing: true}
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

// timeoutOf is the deadline of one call: the binding's, the manifest's or the
// default, and never more than a run may wait, or a worker be held.
func timeoutOf(mode pluginapi.Mode, b host.Binding, m pluginapi.Hook) time.Duration {
	timeout, limit := DefaultBlockingTimeout, pluginapi.MaxBlockingTimeout
	if mode == pluginapi.ModeBackground {
		timeout, limit = DefaultBackgroundTimeout, pluginapi.MaxBackgroundTimeout
	}
	switch {
	case b.Timeout > 0:
		timeout = time.Duration(b.Timeout)
	case m.Timeout > 0:
		timeout = time.Duration(m.Timeout)
	}
	return min(timeout, limit)
}

// retryOf fills in what the manifest leaves open.
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
	out.Max = max(out.Max, out.Initial)
	return out
}
