package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// permitted runs the components that a plugin may run.
type permitted struct {
	host.Runner
	components []host.BindingScope
}

// RunComponent refuses what the plugin may not run.
func (p permitted) RunComponent(ctx context.Context, req host.ComponentRequest) (host.Run, error) {
	if !slices.Contains(p.components, req.Component) {
		return host.Run{}, fmt.Errorf("run: the %s %s: %w", req.Component.Kind, req.Component.ID, host.ErrNotGranted)
	}
	return p.Runner.RunComponent(ctx, req)
}

// componentsOf are what the plugin may run once it is granted: those of the
// manifest and those the configuration names.
func componentsOf(asked *pluginapi.RunPermission, c config) []host.BindingScope {
	var components []host.BindingScope
	for _, name := range asked.Components {
		if component, ok := componentScope(name); ok {
			components = append(components, component)
		}
	}
	for _, key := range asked.ComponentsFrom {
		if component, ok := configuredComponent(c[key]); ok {
			components = append(components, component)
		}
	}
	return components
}

func componentScope(name string) (host.BindingScope, bool) {
	c, err := pluginapi.ParseComponent(name)
	return host.BindingScope{Kind: host.ComponentKind(c.Kind), ID: c.ID}, err == nil
}

// configuredComponent reads the name of a component in a binding's configuration.
func configuredComponent(raw json.RawMessage) (host.BindingScope, bool) {
	var name string
	if json.Unmarshal(raw, &name) != nil {
		return host.BindingScope{}, false
	}
	return componentScope(name)
}

// checkComponents reports configured values that name no component, or none of those
// that are known.
func checkComponents(m pluginapi.Manifest, path string, c config, known []host.BindingScope) []host.Problem {
	asked := m.Permissions.Run
	if asked == nil {
		return nil
	}
	var problems []host.Problem
	for _, key := range asked.ComponentsFrom {
		value, set := c[key]
		if !set {
			continue
		}
		at := host.JoinPath(path, key)
		if component, ok := configuredComponent(value); !ok {
			problems = append(problems, host.Problem{
				Path: at, Message: "must name a component, [agent:|team:|workflow:]id: the plugin runs it",
			})
		} else if known != nil && !slices.Contains(known, component) {
			problems = append(problems, host.Problem{
				Path: at, Message: fmt.Sprintf("this host has no %s %q, which the plugin is to run", component.Kind, cut(component.ID)),
			})
		}
	}
	return problems
}
