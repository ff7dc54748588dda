package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/row"
)

// InstallPlugin stores a version and its module. The version is not active.
func (s *Store) InstallPlugin(ctx context.Context, plugin host.Plugin, module []byte) (bool, error) {
	manifest, err := row.Encode(plugin.Manifest)
	if err != nil {
		return false, fmt.Errorf("install plugin: encode manifest: %w", err)
	}
	var created bool
	err = s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		if created, err = insertPlugin(ctx, t, &plugin, manifest); err != nil || !created {
			return err
		}
		const query = `INSERT INTO modules (digest, bytes) VALUES ($1, $2)`
		if _, err := t.Exec(ctx, query, plugin.Digest, row.Blob(module)); err != nil {
			return err
		}
		return revise(ctx, t)
	})
	if err != nil {
		return false, fmt.Errorf("install plugin: %w", err)
	}
	return created, nil
}

// insertPlugin returns false when the version is there with the same digest. Of nodes
// that install it at once one meets either unique index.
func insertPlugin(ctx context.Context, t *tx, plugin *host.Plugin, manifest []byte) (bool, error) {
	const insert = `INSERT INTO plugins (name, version, digest, manifest, module_size, tests, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`
	n, err := t.exec(ctx, insert, plugin.Name, plugin.Version, plugin.Digest, manifest,
		plugin.ModuleSize, string(plugin.Tests), row.Nanos(plugin.CreatedAt))
	if err != nil || n > 0 {
		return n > 0, err
	}
	const existing = `SELECT digest FROM plugins WHERE name = $1 AND version = $2`
	digest, err := one(ctx, t, row.Value[string], existing, plugin.Name, plugin.Version)
	if err == nil && digest != plugin.Digest {
		err = row.PluginExists(plugin.Name, plugin.Version)
	}
	return false, err
}

// Plugins returns all versions, by name and then by creation.
func (s *Store) Plugins(ctx context.Context) ([]host.Plugin, error) {
	const query = `SELECT ` + row.PluginColumns + ` FROM plugins ORDER BY name, seq`
	plugins, err := list(ctx, s, row.ScanPlugin, query)
	if err != nil {
		return nil, fmt.Errorf("read plugins: %w", err)
	}
	return plugins, nil
}

// PluginModule returns the module of a digest.
func (s *Store) PluginModule(ctx context.Context, digest string) ([]byte, error) {
	module, err := get(ctx, s, row.Value[[]byte], `SELECT bytes FROM modules WHERE digest = $1`, digest)
	if errors.Is(err, pgx.ErrNoRows) {
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
	doc, err := row.Encode(grants)
	if err != nil {
		return fmt.Errorf("activate plugin: %w", err)
	}
	const query = `UPDATE plugins SET active = (version = $2), grants = CASE WHEN version = $2 THEN $3 ELSE grants END,
			activated_at = CASE WHEN version = $2 THEN $4::bigint ELSE 0 END
		WHERE name = $1 AND EXISTS (SELECT FROM plugins WHERE name = $1 AND version = $2)`
	if err := s.changePlugin(ctx, name, version, query, doc, row.Nanos(at)); err != nil {
		return fmt.Errorf("activate plugin: %w", err)
	}
	return nil
}

// DeactivatePlugin leaves a name without an active version when this one is it.
func (s *Store) DeactivatePlugin(ctx context.Context, name, version string) error {
	const query = `UPDATE plugins SET active = FALSE WHERE name = $1 AND version = $2`
	if err := s.changePlugin(ctx, name, version, query); err != nil {
		return fmt.Errorf("deactivate plugin: %w", err)
	}
	return nil
}

// changePlugin runs a query whose first arguments are a version.
func (s *Store) changePlugin(ctx context.Context, name, version, query string, args ...any) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		// First, so that one change comes after the other.
		if err := revise(ctx, t); err != nil {
			return err
		}
		n, err := t.exec(ctx, query, append([]any{name, version}, args...)...)
		if err == nil && n == 0 {
			return row.PluginNotFound(name, version)
		}
		return err
	})
}

// DeletePlugin deletes a version and its module, and with the last version what
// the plugin kept.
func (s *Store) DeletePlugin(ctx context.Context, name, version string) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := revise(ctx, t); err != nil {
			return err
		}
		const query = `SELECT digest FROM plugins WHERE name = $1 AND version = $2`
		digest, err := one(ctx, t, row.Value[string], query, name, version)
		if errors.Is(err, pgx.ErrNoRows) {
			return row.PluginNotFound(name, version)
		}
		if err != nil {
			return err
		}
		if err := checkNoOpenCalls(ctx, t, digest); err != nil {
			return err
		}
		return deletePlugin(ctx, t, name, digest)
	})
	if err != nil {
		return fmt.Errorf("delete plugin: %w", err)
	}
	return nil
}

// checkNoOpenCalls fails while a hook call needs the digest.
func checkNoOpenCalls(ctx context.Context, t *tx, digest string) error {
	const query = `SELECT count(*) FROM hook_calls WHERE status IN ('queued', 'running') AND digest = $1`
	open, err := one(ctx, t, row.Value[int], query, digest)
	if err == nil && open > 0 {
		return row.PluginNeeded(open)
	}
	return err
}

func deletePlugin(ctx context.Context, t *tx, name, digest string) error {
	const values = `DELETE FROM plugin_values
		WHERE plugin = $1 AND NOT EXISTS (SELECT FROM plugins WHERE name = $1)`
	for _, step := range [][2]string{
		{`DELETE FROM plugins WHERE digest = $1`, digest},
		{`DELETE FROM modules WHERE digest = $1`, digest},
		{values, name},
	} {
		if _, err := t.Exec(ctx, step[0], step[1]); err != nil {
			return err
		}
	}
	return nil
}
