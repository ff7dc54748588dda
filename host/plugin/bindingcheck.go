package plugin

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// bindingCheck finds what is wrong with one binding.
type bindingCheck struct {
	state   *state
	path    string
	scope   host.BindingScope
	binding host.Binding
	configs *configChecks
	// components are those of the host, nil where that does not matter.
	components []host.BindingScope
	problems   []host.Problem
}

func (r *Registry) newBindingCheck(path string, scope host.BindingScope, b host.Binding, configs *configChecks) bindingCheck {
	return bindingCheck{
		state: r.state.Load(), path: path, scope: scope, binding: b, configs: configs, components: r.components,
	}
}

func (c *bindingCheck) add(field, format string, args ...any) {
	c.problems = append(c.problems, host.Problem{Path: host.JoinPath(c.path, field), Message: fmt.Sprintf(format, args...)})
}

func (c *bindingCheck) run() {
	c.checkFields()
	switch p := c.state.active[c.binding.Plugin]; {
	case c.binding.Plugin == "":
		c.add("plugin", "is missing")
	case c.inactive():
		c.add("plugin", "the plugin %q has no active version: activate it first", c.binding.Plugin)
	case p == nil:
		c.add("plugin", "no plugin %q is installed", cut(c.binding.Plugin))
	default:
		c.checkHooks(p)
		c.checkConfig(p.Manifest)
	}
}

// inactive reports whether the plugin is installed and no version is active.
func (c *bindingCheck) inactive() bool {
	return c.state.active[c.binding.Plugin] == nil && c.state.knows(c.binding.Plugin)
}

// checkFields checks what needs no plugin.
func (c *bindingCheck) checkFields() {
	b := c.binding
	if b.Mode != "" && !b.Mode.Valid() {
		c.add("mode", "must be %s or %s", pluginapi.ModeBlocking, pluginapi.ModeBackground)
	}
	if b.OnError != "" && b.OnError != pluginapi.OnErrorDeny && b.OnError != pluginapi.OnErrorAllow {
		c.add("on_error", "must be %s or %s", pluginapi.OnErrorDeny, pluginapi.OnErrorAllow)
	}
	if b.Timeout < 0 {
		c.add("timeout", "must be positive")
	}
	if b.TopLevel && c.scope != host.HostWide {
		c.add("top_level", "is only for bindings of the whole host")
	}
	if b.Nested && c.scope != host.HostWide {
		c.add("nested", "is only for bindings of the whole host")
	}
	if b.Source == host.SourceConfig {
		c.add("source", "bindings of the configuration cannot be changed: leave them out")
	}
}

func (c *bindingCheck) checkHooks(p *host.Plugin) {
	if len(p.Manifest.Hooks) == 0 {
		c.add("plugin", "the plugin %q has no hooks, only tools", p.Name)
		return
	}
	if c.binding.Hook == "" {
		for _, h := range p.Manifest.Hooks {
			c.checkTimeout(h)
		}
		return
	}
	h, ok := p.Hook(c.binding.Hook)
	if !ok {
		c.add("hook", "the plugin %q has no hook %q; it has %s", p.Name, cut(c.binding.Hook), hookNames(p.Manifest))
		return
	}
	c.checkTimeout(h)
}

func hookNames(m pluginapi.Manifest) string {
	return namesOf(m.Hooks, func(h pluginapi.Hook) string { return h.Name })
}

func namesOf[T any](all []T, name func(T) string) string {
	if len(all) == 0 {
		return "none"
	}
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = name(one)
	}
	return strings.Join(names, ", ")
}

// checkTimeout checks the timeout a hook gets against the mode it gets. A hook
// that neither the binding nor the manifest marks may block.
func (c *bindingCheck) checkTimeout(h pluginapi.Hook) {
	field, timeout := "timeout", c.binding.Timeout
	if timeout == 0 {
		field, timeout = "mode", h.Timeout
	}
	if c.binding.Mode != "" {
		h.Mode = c.binding.Mode
	}
	switch limit := h.MaxTimeout(); {
	case time.Duration(timeout) <= limit:
	case h.MayBlock():
		c.add(field, "the hook %s may block and then has at most %s; its timeout is %s", h.Name, limit, time.Duration(timeout))
	default:
		c.add(field, "must be at most %s", limit)
	}
}

func (c *bindingCheck) checkConfig(m pluginapi.Manifest) {
	at := host.JoinPath(c.path, "config")
	var values config
	if c.binding.Config != nil && (json.Unmarshal(c.binding.Config, &values) != nil || values == nil) {
		c.add("config", "must be an object")
		return
	}
	c.problems = append(c.problems, c.configs.check(m, at, c.binding.Config)...)
	c.problems = append(c.problems, checkHosts(m, at, values)...)
	c.problems = append(c.problems, checkComponents(m, at, values, c.components)...)
}
