package plugin

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// services are what a call of the plugin may reach: that which the plugin was
// granted of what the call brings and of what is the plugin's own. Evaluations
// need no grant.
func (r *Registry) services(p *host.Plugin, given host.Services, c config) host.Services {
	s := host.Services{HTTP: given.HTTP, Evaluations: given.Evaluations}
	if p.Granted(pluginapi.PermissionRun) && given.Runner != nil {
		s.Runner = permitted{given.Runner, componentsOf(p.Manifest.Permissions.Run, c)}
	}
	if p.Granted(pluginapi.PermissionKV) {
		s.KV = given.KV
		if s.KV == nil {
			s.KV = newPluginValues(r.store, p)
		}
	}
	if p.Granted(pluginapi.PermissionSessionState) && given.SessionState != nil {
		s.SessionState = given.SessionState
		if p.Manifest.Permissions.SessionState.Access != pluginapi.AccessWrite {
			s.SessionState = readOnly{given.SessionState}
		}
	}
	if p.Granted(pluginapi.PermissionSecrets) {
		all := given.Secrets
		if all == nil {
			all = r.secrets
		}
		s.Secrets = askedSecrets{all, p.Manifest.Permissions.Secrets}
	}
	return s
}

// readOnly is a session's state for a plugin that may only read it.
type readOnly struct{ host.SessionState }

// Merge refuses.
func (readOnly) Merge(context.Context, json.RawMessage) error {
	return fmt.Errorf("session_state for writing: %w", host.ErrNotGranted)
}
