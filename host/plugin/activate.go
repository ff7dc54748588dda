package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Activate makes a version the one new runs use and records what the operator
// grants. Calls in flight finish on the version they began with. A permission
// the plugin asks for and is not granted is CodeConflict with the reasons; a
// grant it did not ask for is CodeInvalid with the field grant; a secret the host
// does not have is CodeConflict; a version that is not installed is CodeNotFound.
// A version without a hook that is bound, or a tool that is used, is CodeConflict
// with the users, unless force is true: such bindings count as failed hooks then, and
// what uses the tools fails. So is one that a binding does not fit, by its
// configuration or its timeout.
func (r *Registry) Activate(
	ctx context.Context, name, version string, grants []pluginapi.Permission, force bool,
) (host.Plugin, error) {
	r.change.Lock()
	defer r.change.Unlock()
	if err := r.refresh(ctx); err != nil {
		return host.Plugin{}, err
	}
	p, err := r.find(name, version)
	if err != nil {
		return host.Plugin{}, err
	}
	granted, err := r.checkActivation(p.Manifest, grants)
	if err != nil {
		return host.Plugin{}, err
	}
	if !force && !p.Active {
		if err := r.checkUsers(p); err != nil {
			return host.Plugin{}, err
		}
	}
	// It is loaded first: a version that cannot run replaces none that does.
	_, release, err := r.modules.acquire(ctx, p)
	if err != nil {
		return host.Plugin{}, fmt.Errorf("load plugin %s %s: %w", name, version, err)
	}
	defer release()
	if err := r.store.ActivatePlugin(ctx, name, version, granted, r.now()); err != nil {
		return host.Plugin{}, fmt.Errorf("store grants of plugin %s %s: %w", name, version, err)
	}
	if err := r.sync(context.WithoutCancel(ctx)); err != nil {
		return host.Plugin{}, fmt.Errorf("activate plugin %s %s: %w", name, version, err)
	}
	return r.Plugin(name, version)
}

// checkUsers refuses a version that lacks what is used, or that bindings do not fit.
func (r *Registry) checkUsers(p *host.Plugin) error {
	if err := r.checkHasUsed(p.Manifest); err != nil {
		return err
	}
	return r.checkFits(p)
}

// checkActivation refuses a version that lacks grants or secrets, and returns
// the grants to record.
func (r *Registry) checkActivation(m pluginapi.Manifest, grants []pluginapi.Permission) ([]pluginapi.Permission, error) {
	granted, err := checkGrants(m, grants)
	if err != nil {
		return nil, err
	}
	return granted, r.checkSecrets(m)
}

// checkGrants returns the permissions to record: exactly those the manifest
// asks for, in its order, never nil.
func checkGrants(m pluginapi.Manifest, grants []pluginapi.Permission) ([]pluginapi.Permission, error) {
	asked := m.Permissions.Names()
	for _, g := range grants {
		if !slices.Contains(asked, g) {
			return nil, host.Invalid("grant", "the plugin %s %s does not ask for the permission %q",
				m.Name, m.Version, cut(string(g)))
		}
	}
	var missing []host.Problem
	reasons := m.Permissions.Reasons()
	for _, name := range asked {
		if !slices.Contains(grants, name) {
			missing = append(missing, host.Problem{Path: "permissions." + string(name), Message: reasons[name]})
		}
	}
	if missing != nil {
		return nil, &host.Error{
			Code: host.CodeConflict, Field: "grant", Problems: missing,
			Message: fmt.Sprintf("the plugin %s %s asks for permissions that are not granted", m.Name, m.Version),
		}
	}
	return append([]pluginapi.Permission{}, asked...), nil
}
