package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The files of a plugin in a directory of plugins.
const (
	manifestFile = "plugin.yaml"
	moduleFile   = "plugin.wasm"
)

// LoadDir installs and activates the plugins of a directory,
// <name>/plugin.yaml and <name>/plugin.wasm, with the grants given by plugin
// name. A plugin that is installed already stays as the operator left it; one that
// nobody has decided on since, for the host died or another one is about to
// activate it, is activated. When the bytes under an installed version changed the
// plugin is installed and activated as <version>+<8 of its digest>. Every plugin
// that is refused, lacks a grant or a hook that is bound, or has a schema that a
// binding does not fit, is in the error, by name; nothing of it is stored. A grant
// for a plugin that is not installed is an error too.
func (r *Registry) LoadDir(ctx context.Context, dir string, grants map[string][]pluginapi.Permission) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("load plugins: %w", err)
	}
	var errs []error
	for _, e := range entries {
		folder := filepath.Join(dir, e.Name())
		if info, err := os.Stat(folder); err != nil || !info.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := r.loadFolder(ctx, folder, grants); err != nil {
			errs = append(errs, fmt.Errorf("load plugin %s: %w", e.Name(), err))
		}
	}
	for name := range grants {
		if _, err := r.Versions(name); err != nil && len(errs) == 0 {
			errs = append(errs, fmt.Errorf("grant permissions: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (r *Registry) loadFolder(ctx context.Context, folder string, grants map[string][]pluginapi.Permission) error {
	manifest, err := readFile(filepath.Join(folder, manifestFile), MaxManifestBytes)
	if err != nil {
		return err
	}
	module, err := readFile(filepath.Join(folder, moduleFile), r.maxModuleBytes)
	if err != nil {
		return err
	}
	read, err := readManifest(manifest, r.checkTests)
	decided := false
	if err == nil && len(read.problems) == 0 {
		read.manifest, decided, err = r.nextVersion(read.manifest, module)
	}
	if err != nil || decided {
		return err
	}
	m := read.manifest
	r.log.Info("preparing plugin", "plugin", m.Name, "version", m.Version) // takes seconds for some
	if err := r.examine(ctx, read, module); err != nil {
		return err
	}
	if m.Name != filepath.Base(folder) {
		return host.Invalid("name", "the plugin is called %q: its folder must be, too", m.Name)
	}
	if _, err := r.checkActivation(m, grants[m.Name]); err != nil {
		return err
	}
	if err := r.checkUsers(&host.Plugin{Name: m.Name, Version: m.Version, Manifest: m}); err != nil {
		return err
	}
	if _, err := r.install(ctx, m, module); err != nil {
		return err
	}
	_, err = r.Activate(ctx, m.Name, m.Version, grants[m.Name], true)
	return err
}

// nextVersion returns the manifest under the version it is to be installed as, and
// whether it is installed and decided on already.
func (r *Registry) nextVersion(m pluginapi.Manifest, module []byte) (pluginapi.Manifest, bool, error) {
	digest, err := digestOf(m, module)
	if err != nil {
		return m, false, err
	}
	s := r.state.Load()
	if p := s.byDigest[digest]; p != nil {
		return m, s.decided(p), nil
	}
	if _, taken := s.version(m.Name, m.Version); !taken {
		return m, false, nil
	}
	m.Version = withBuild(m.Version, strings.TrimPrefix(digest, digestPrefix)[:8])
	digest, err = digestOf(m, module)
	p := s.byDigest[digest]
	return m, p != nil && s.decided(p), err
}

// withBuild adds an identifier to the build metadata of a semantic version.
func withBuild(version, id string) string {
	if strings.Contains(version, "+") {
		return version + "." + id
	}
	return version + "+" + id
}

// readFile reads a file of at most limit bytes.
func readFile(name string, limit int64) (data []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = host.Errorf(host.CodeTooLarge, "%s has more than %d bytes", name, limit)
	}
	return data, err
}
