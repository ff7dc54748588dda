package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// KVValue returns what a plugin keeps under a key, or false.
func (s *Store) KVValue(ctx context.Context, plugin, key string) ([]byte, bool, error) {
	const query = `SELECT value FROM plugin_values WHERE plugin = $1 AND key = $2`
	found, err := get(ctx, s, row.Value[[]byte], query, plugin, []byte(key))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read value of plugin: %w", err)
	}
	return found, true, nil
}

// SetKVValue stores a value within the quota. The writes of one plugin go one
// after another.
func (s *Store) SetKVValue(ctx context.Context, plugin, key string, value []byte, quota host.KVQuota) error {
	const query = `INSERT INTO plugin_values (plugin, key, value) VALUES ($1, $2, $3)
		ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value`
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := t.lock(ctx, pluginLock(plugin)); err != nil {
			return err
		}
		used, err := usedBeside(ctx, t, plugin, key)
		if err != nil {
			return err
		}
		if err := used.Check(quota, key, value); err != nil {
			return err
		}
		_, err = t.Exec(ctx, query, plugin, []byte(key), row.Blob(value))
		return err
	})
	if err != nil {
		return fmt.Errorf("store value of plugin: %w", err)
	}
	return nil
}

// DeleteKVValue deletes a key, if it is there.
func (s *Store) DeleteKVValue(ctx context.Context, plugin, key string) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.Exec(ctx, `DELETE FROM plugin_values WHERE plugin = $1 AND key = $2`, plugin, []byte(key))
		return err
	})
	if err != nil {
		return fmt.Errorf("delete value of plugin: %w", err)
	}
	return nil
}

// usedBeside counts what a plugin keeps under other keys.
func usedBeside(ctx context.Context, t *tx, plugin, key string) (row.KVUsage, error) {
	const query = `SELECT ` + row.KVUsageColumns + ` FROM plugin_values
		WHERE plugin = $1 AND key <> $2`
	return one(ctx, t, row.ScanKVUsage, query, plugin, []byte(key))
}
