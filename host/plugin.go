package host

import (
	"slices"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Plugin is one version of a plugin. Its bytes never change; Digest is the
// SHA-256 over the canonical manifest and the module, as "sha256:<hex>".
type Plugin struct {
	Name     string
	Version  string
	Digest   string
	Manifest pluginapi.Manifest
	// ModuleSize is in bytes.
	ModuleSize int64
	CreatedAt  time.Time
	// Active is true for the one version of a name that new runs use.
	Active bool
	// Grants are the permissions the operator gave; nil when never activated.
	Grants []pluginapi.Permission
	// ActivatedAt is when the version was activated; zero unless it is active or
	// was the last one of its name to be.
	ActivatedAt time.Time
	// Tests is what came of the manifest's own tests when it was installed.
	Tests TestsResult
}

// TestsResult is what came of a plugin's own tests.
type TestsResult string

// A plugin that fails its own tests is refused, so no other result is stored.
// Not run are tests of plugins that have none, or that were installed before
// there were any.
const (
	TestsPassed TestsResult = "passed"
	TestsNotRun TestsResult = "not_run"
)

// Granted reports whether the plugin asks for a permission and the operator gave
// it.
func (p *Plugin) Granted(permission pluginapi.Permission) bool {
	return slices.Contains(p.Grants, permission) && slices.Contains(p.Manifest.Permissions.Names(), permission)
}

// Tool returns the tool of that name, or false.
func (p *Plugin) Tool(name string) (pluginapi.ToolFunction, bool) {
	for _, f := range p.Manifest.Tools {
		if f.Name == name {
			return f, true
		}
	}
	return pluginapi.ToolFunction{}, false
}

// Hook returns the hook of that name, or false.
func (p *Plugin) Hook(name string) (pluginapi.Hook, bool) {
	for _, h := range p.Manifest.Hooks {
		if h.Name == name {
			return h, true
		}
	}
	return pluginapi.Hook{}, false
}
