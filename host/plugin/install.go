package plugin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

// Installed is what came of an upload.
type Installed struct {
	Plugin host.Plugin
	// Created is false when this very plugin was installed before.
	Created bool
}

// Install checks a plugin, runs its own tests and stores it; it is called by
// nobody until it is activated. A plugin that is refused is an *host.Error with
// everything that is wrong with its manifest and its module, or with every test
// that fails, and nothing of it is stored. Another plugin under the same name and
// version is CodeConflict. Callers that install the same bytes at once share the
// work, and one plugin is checked at a time.
func (r *Registry) Install(ctx context.Context, manifest, module []byte) (Installed, error) {
	if err := r.checkSize(module); err != nil {
		return Installed{}, err
	}
	return r.uploads.do(ctx, uploadKey(manifest, module), func() (Installed, error) {
		return r.installNew(ctx, manifest, module)
	})
}

// uploadKey tells uploads apart. A manifest has no zero byte.
func uploadKey(manifest, module []byte) string {
	h := sha256.New()
	h.Write(manifest)
	h.Write([]byte{0})
	h.Write(module)
	return string(h.Sum(nil))
}

func (r *Registry) checkSize(module []byte) error {
	if int64(len(module)) <= r.maxModuleBytes {
		return nil
	}
	return &host.Error{
		Code: host.CodeTooLarge, Field: "module",
		Message: fmt.Sprintf("the module has more than %d bytes", r.maxModuleBytes),
	}
}

// installNew installs a plugin unless it is installed.
func (r *Registry) installNew(ctx context.Context, manifest, module []byte) (Installed, error) {
	read, err := readManifest(manifest, r.checkTests)
	if err != nil {
		return Installed{}, err
	}
	if len(read.problems) == 0 {
		known, err := r.installed(read.manifest, module)
		if err != nil {
			return Installed{}, err
		}
		if known != nil {
			return Installed{Plugin: *known}, nil
		}
	}
	if err := r.examine(ctx, read, module); err != nil {
		return Installed{}, err
	}
	return r.install(ctx, read.manifest, module)
}

// installed returns the plugin with these bytes, nil when there is none.
func (r *Registry) installed(m pluginapi.Manifest, module []byte) (*host.Plugin, error) {
	digest, err := digestOf(m, module)
	if err != nil {
		return nil, fmt.Errorf("identify plugin %s %s: %w", m.Name, m.Version, err)
	}
	return r.state.Load().byDigest[digest], nil
}

// examine refuses a plugin for the problems of its manifest, for whatever is
// wrong with its module, or for the tests it fails. It holds off other plugins:
// compiling and testing take memory and time.
func (r *Registry) examine(ctx context.Context, read reading, module []byte) error {
	select {
	case r.examining <- struct{}{}:
		defer func() { <-r.examining }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := r.inspect(ctx, read, module); err != nil {
		return err
	}
	failed, err := r.runTests(ctx, read.manifest, module)
	if err != nil || len(failed) > 0 {
		r.discard(context.WithoutCancel(ctx), sourceOf(read.manifest, module))
	}
	if err != nil {
		return fmt.Errorf("test plugin: %w", err)
	}
	return refusal("tests", "the plugin fails its own tests", read.locate(failed))
}

// discard forgets the code of a module nobody will load. It may stay behind: that
// costs space and no more.
func (r *Registry) discard(ctx context.Context, source runtime.Source) {
	if err := r.loader.Discard(ctx, source); err != nil {
		r.log.WarnContext(ctx, "discard compiled module", "plugin", source.Name, "err", err)
	}
}

func (r *Registry) inspect(ctx context.Context, read reading, module []byte) error {
	field := "module"
	if len(read.problems) > 0 {
		field = "manifest"
	}
	wrong, err := r.loader.Inspect(ctx, sourceOf(read.manifest, module))
	if err != nil {
		return fmt.Errorf("inspect plugin: %w", err)
	}
	return refusal(field, "the plugin is refused", merge(read.problems, wrong))
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

// install stores a plugin that was examined.
func (r *Registry) install(ctx context.Context, m pluginapi.Manifest, module []byte) (Installed, error) {
	digest, err := digestOf(m, module)
	if err != nil {
		return Installed{}, fmt.Errorf("identify plugin %s %s: %w", m.Name, m.Version, err)
	}
	tests := host.TestsPassed
	if len(m.Tests) == 0 {
		tests = host.TestsNotRun
	}
	r.change.Lock()
	defer r.change.Unlock()
	created, err := r.store.InstallPlugin(ctx, host.Plugin{
		Name: m.Name, Version: m.Version, Digest: digest, Manifest: m,
		ModuleSize: int64(len(module)), CreatedAt: r.now(), Tests: tests,
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
	return Installed{Plugin: p, Created: created}, nil
}
