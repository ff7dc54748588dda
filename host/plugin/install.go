package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Installed is what came of an upload.
type Installed struct {
	Plugin host.Plugin
	// Created is false when this very plugin was installed before.
	Created bool
	// Tests are the results of the plugin's own tests.
	Tests []TestResult
}

// Install checks a plugin and stores it; it is called by nobody until it is
// activated. A plugin that is refused is an *host.Error with everything that is
// wrong with its manifest and its module, and nothing of it is stored. Another
// plugin under the same name and version is CodeConflict.
func (r *Registry) Install(ctx context.Context, manifest, module []byte) (Installed, error) {
	m, problems, err := readManifest(manifest)
	if err != nil {
		return Installed{}, err
	}
	if err := r.inspect(ctx, m, problems, module); err != nil {
		return Installed{}, err
	}
	return r.install(ctx, m, module)
}

// inspect refuses a plugin for the problems of its manifest and whatever is
// wrong with its module.
func (r *Registry) inspect(ctx context.Context, m pluginapi.Manifest, problems []host.Problem, module []byte) error {
	if int64(len(module)) > r.maxModuleBytes {
		return &host.Error{
			Code: host.CodeTooLarge, Field: "module",
			Message: fmt.Sprintf("the module has more than %d bytes", r.maxModuleBytes),
		}
	}
	field := "module"
	if len(problems) > 0 {
		field = "manifest"
	}
	wrong, err := r.loader.Inspect(ctx, sourceOf(m, module))
	if err != nil {
		return fmt.Errorf("inspect plugin: %w", err)
	}
	return refusal(field, "the plugin is refused", merge(problems, wrong))
}

// merge adds the problems of a module to those of its manifest. What both say
// about the same place is said once.
func merge(manifest, module []host.Problem) []host.Problem {
	all := slices.Clone(manifest)
	for _, p := range module {
		if !slices.ContainsFunc(manifest, func(known host.Problem) bool { return known.Path == p.Path }) {
			all = append(all, p)
		}
	}
	return all
}

// install stores a plugin that was inspected.
func (r *Registry) install(ctx context.Context, m pluginapi.Manifest, module []byte) (Installed, error) {
	digest, err := digestOf(m, module)
	if err != nil {
		return Installed{}, fmt.Errorf("identify plugin %s %s: %w", m.Name, m.Version, err)
	}
	r.change.Lock()
	defer r.change.Unlock()
	created, err := r.store.InstallPlugin(ctx, host.Plugin{
		Name: m.Name, Version: m.Version, Digest: digest, Manifest: m,
		ModuleSize: int64(len(module)), CreatedAt: r.now(),
	}, module)
	if err != nil {
		return Installed{}, fmt.Errorf("store plugin %s %s: %w", m.Name, m.Version, err)
	}
	if err := r.sync(context.WithoutCancel(ctx)); err != nil {
		return Installed{}, fmt.Errorf("install plugin %s %s: %w", m.Name, m.Version, err)
	}
	p, err := r.Plugin(m.Name, m.Version)
	if err != nil {
		return Installed{}, err
	}
	return Installed{Plugin: p, Created: created, Tests: Tests(m)}, nil
}
