package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/row"
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
		if _, err := t.exec(`INSERT INTO modules (digest, bytes) VALUES (?, ?)`, plugin.Digest, module); err != nil {
			return err
		}
		return revise(t)
	}})
	if err != nil {
		return false, fmt.Errorf("install plugin: %w", err)
	}
	return created, nil
}

// insertPlugin returns false when the version is there with the same digest.
func insertPlugin(t *tx, plugin *host.Plugin, manifest string) (bool, error) {
	const insert = `INSERT INTO plugins (name, version, digest, manifest, module_size, tests, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name, version) DO NOTHING`
	n, err := t.exec(insert, plugin.Name, plugin.Version, plugin.Digest, manifest,
		plugin.ModuleSize, plugin.Tests, row.Nanos(plugin.CreatedAt))
	if err != nil || n > 0 {
		return n > 0, err
	}
	const existing = `SELECT digest FROM plugins WHERE name = ? AND version = ?`
	digests, err := queryTx(t, row.Value[string], existing, plugin.Name, plugin.Version)
	if err != nil {
		return false, err
	}
	if len(digests) != 1 || digests[0] != plugin.Digest {
		return false, row.PluginExists(plugin.Name, plugin.Version)
	}
	return false, nil
}

// Plugins returns all versions, by name and then by creation.
func (s *Store) Plugins(ctx context.Context) ([]host.Plugin, error) {
	const query = `SELECT ` + row.PluginColumns + ` FROM plugins ORDER BY name, seq`
	plugins, err := all(ctx, s.read, row.ScanPlugin, query)
	if err != nil {
		return nil, fmt.Errorf("read plugins: %w", err)
	}
	return plugins, nil
}

// PluginModule returns the module of a digest.
func (s *Store) PluginModule(ctx context.Context, digest string) ([]byte, error) {
	module, err := one(ctx, s.read, row.Value[[]byte], `SELECT bytes FROM modules WHERE digest = ?`, digest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, row.ModuleNotFound(digest)
	}
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	return module, nil
}

// ActivatePlugin makes a version the active one of its name and records the
// grants and the time.
func (s *Store) ActivatePlugin(
	ctx context.Context, name, version string, grants []pluginapi.Permission, at time.Time,
) error {
	if grants == nil {
		grants = []pluginapi.Permission{}
	}
	doc, err := encode(grants)
	if err != nil {
		return fmt.Errorf("activate plugin: %w", err)
	}
	const query = `UPDATE plugins SET active = (version = ?2), grants = iif(version = ?2, ?3, grants),
			activated_at = iif(version = ?2, ?4, 0)
		WHERE name = ?1 AND EXISTS (SELECT 1 FROM plugins WHERE name = ?1 AND version = ?2)`
	err = s.writer.write(ctx, &op{do: func(t *tx) error {
		n, err := t.exec(query, name, version, doc, row.Nanos(at))
		return revisePlugin(t, name, version, n, err)
	}})
	if err != nil {
		return fmt.Errorf("activate plugin: %w", err)
	}
	return nil
}

// DeactivatePlugin leaves a name without an active version when this one is it.
func (s *Store) DeactivatePlugin(ctx context.Context, name, version string) error {
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		n, err := t.exec(`UPDATE plugins SET active = 0 WHERE name = ? AND version = ?`, name, version)
		return revisePlugin(t, name, version, n, err)
	}})
	if err != nil {
		return fmt.Errorf("deactivate plugin: %w", err)
	}
	return nil
}

// revisePlugin raises the revision when an update met n rows of a version.
func revisePlugin(t *tx, name, version string, n int64, err error) error {
	if err != nil {
		return err
	}
	if n == 0 {
		return row.PluginNotFound(name, version)
	}
	return revise(t)
}

// DeletePlugin deletes a version and its module, and with the last version what
// the plugin kept.
func (s *Store) DeletePlugin(ctx context.Context, name, version string) error {
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		const query = `SELECT digest FROM plugins WHERE name = ? AND version = ?`
		digests, err := queryTx(t, row.Value[string], query, name, version)
		if err != nil {
			return err
		}
		if len(digests) == 0 {
			return row.PluginNotFound(name, version)
		}
		if err := checkNoOpenCalls(t, digests[0]); err != nil {
			return err
		}
		return deletePlugin(t, name, digests[0])
	}})
	if err != nil {
		return fmt.Errorf("delete plugin: %w", err)
	}
	return nil
}

// checkNoOpenCalls fails while a hook call needs the digest.
func checkNoOpenCalls(t *tx, digest string) error {
	const query = `SELECT count(*) FROM hook_calls
		WHERE status IN ('queued', 'running') AND spec ->> '$.digest' = ?`
	open, err := queryTx(t, row.Value[int], query, digest)
	if err == nil && open[0] > 0 {
		return row.PluginNeeded(open[0])
	}
	return err
}

func deletePlugin(t *tx, name, digest string) error {
	const values = `DELETE FROM plugin_values
		WHERE plugin = ?1 AND NOT EXISTS (SELECT 1 FROM plugins WHERE name = ?1)`
	for _, step := range [][2]string{
		{`DELETE FROM plugins WHERE digest = ?`, digest},
		{`DELETE FROM modules WHERE digest = ?`, digest},
		{values, name},
	} {
		if _, err := t.exec(step[0], step[1]); err != nil {
			return err
		}
	}
	return revise(t)
}
