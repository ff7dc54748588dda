package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// InstallPlugin stores a version and its module. The version is not active.
func (s *Store) InstallPlugin(ctx context.Context, plugin host.Plugin, module []byte) (bool, error) {
	manifest, err := encode(plugin.Manifest)
	if err != nil {
		return false, fmt.Errorf("install plugin: encode manifest: %w", err)
	}
	var created bool
	err = s.writer.write(ctx, &op{do: func(t *tx) (err error) {
		if created, err = insertPlugin(t, &plugin, manifest); err != nil || !created {
			return err
		}
		_, err = t.exec(`INSERT INTO modules (digest, bytes) VALUES (?, ?)`, plugin.Digest, module)
		return err
	}})
	if err != nil {
		return false, fmt.Errorf("install plugin: %w", err)
	}
	return created, nil
}

// insertPlugin returns false when the version is there with the same digest.
func insertPlugin(t *tx, plugin *host.Plugin, manifest string) (bool, error) {
	const insert = `INSERT INTO plugins (name, version, digest, manifest, module_size, created_at)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name, version) DO NOTHING`
	n, err := t.exec(insert, plugin.Name, plugin.Version, plugin.Digest, manifest,
		plugin.ModuleSize, nanos(plugin.CreatedAt))
	if err != nil || n > 0 {
		return n > 0, err
	}
	const existing = `SELECT digest FROM plugins WHERE name = ? AND version = ?`
	digests, err := queryTx(t, value[string], existing, plugin.Name, plugin.Version)
	if err != nil {
		return false, err
	}
	if len(digests) != 1 || digests[0] != plugin.Digest {
		return false, host.Errorf(host.CodeConflict, "plugin %s %s exists already with other bytes; raise its version",
			plugin.Name, plugin.Version)
	}
	return false, nil
}

// Plugins returns all versions, by name and then by creation.
func (s *Store) Plugins(ctx context.Context) ([]host.Plugin, error) {
	const query = `SELECT name, version, digest, manifest, module_size, active, grants, created_at
		FROM plugins ORDER BY name, seq`
	plugins, err := all(ctx, s.read, scanPlugin, query)
	if err != nil {
		return nil, fmt.Errorf("read plugins: %w", err)
	}
	return plugins, nil
}

// PluginModule returns the module of a digest.
func (s *Store) PluginModule(ctx context.Context, digest string) ([]byte, error) {
	module, err := one(ctx, s.read, value[[]byte], `SELECT bytes FROM modules WHERE digest = ?`, digest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, host.Errorf(host.CodeNotFound, "module %q not found", digest)
	}
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	return module, nil
}

// ActivatePlugin makes a version the active one of its name and records the
// grants.
func (s *Store) ActivatePlugin(ctx context.Context, name, version string, grants []pluginapi.Permission) error {
	if grants == nil {
		grants = []pluginapi.Permission{}
	}
	doc, err := encode(grants)
	if err != nil {
		return fmt.Errorf("activate plugin: %w", err)
	}
	const query = `UPDATE plugins SET active = (version = ?2), grants = iif(version = ?2, ?3, grants)
		WHERE name = ?1 AND EXISTS (SELECT 1 FROM plugins WHERE name = ?1 AND version = ?2)`
	err = s.writer.write(ctx, &op{do: func(t *tx) error {
		n, err := t.exec(query, name, version, doc)
		if err == nil && n == 0 {
			return host.Errorf(host.CodeNotFound, "plugin %s %s not found", name, version)
		}
		return err
	}})
	if err != nil {
		return fmt.Errorf("activate plugin: %w", err)
	}
	return nil
}

func scanPlugin(row scanner) (host.Plugin, error) {
	var (
		p                host.Plugin
		manifest, grants []byte
		created          int64
	)
	err := row.Scan(&p.Name, &p.Version, &p.Digest, &manifest, &p.ModuleSize, &p.Active, &grants, &created)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(manifest, &p.Manifest); err != nil {
		return p, fmt.Errorf("decode manifest: %w", err)
	}
	if grants != nil {
		if err := json.Unmarshal(grants, &p.Grants); err != nil {
			return p, fmt.Errorf("decode grants: %w", err)
		}
	}
	p.CreatedAt = timeOf(created)
	return p, nil
}
