package plugin

import (
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// ActivePlugin returns the active version of a plugin: what agents and workflows
// that name the plugin mean now. A plugin without one is CodeUnavailable, one that
// is not installed CodeNotFound.
func (r *Registry) ActivePlugin(name string) (*host.Plugin, error) {
	s := r.state.Load()
	switch p := s.active[name]; {
	case p != nil:
		return p, nil
	case s.knows(name):
		return nil, host.Errorf(host.CodeUnavailable, "the plugin %q has no active version", name)
	}
	return nil, host.Errorf(host.CodeNotFound, "no plugin %q is installed", cut(name))
}

// CheckConfig returns what is wrong with a configuration for a plugin's tools, an
// object or nil; paths begin at config.
func (r *Registry) CheckConfig(p *host.Plugin, config json.RawMessage) []host.Problem {
	c := bindingCheck{binding: host.Binding{Config: config}, configs: r.newConfigChecks(), components: r.components}
	c.checkConfig(p.Manifest)
	return c.problems
}

// parametersPath is where a manifest has the schema of a tool's arguments.
func parametersPath(tool int) string { return fmt.Sprintf("tools[%d].parameters", tool) }

// checkArguments returns what is wrong with the arguments of a tool's test.
func checkArguments(m pluginapi.Manifest, path string, t pluginapi.Test) []host.Problem {
	for i, f := range m.Tools {
		if f.Name != t.Tool {
			continue
		}
		compiled, wrong := compileSchema(parametersPath(i), f.Parameters)
		if wrong != nil || len(t.Arguments) == 0 {
			return nil // which checkManifest reports
		}
		return below(path+".arguments", compiled.Validate(t.Arguments))
	}
	return nil // which Validate reports
}
