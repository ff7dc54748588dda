package host

import (
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
