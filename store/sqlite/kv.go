package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// KVValue returns what a plugin keeps under a key, or false.
func (s *Store) KVValue(ctx context.Context, plugin, key string) ([]byte, bool, error) {
	const query = `SELECT value FROM plugin_values WHERE plugin = ? AND key = ?`
	found, err := one(ctx, s.read, row.Value[[]byte], query, plugin, row.Blob([]byte(key)))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read value of plugin: %w", err)
	}
	return found, true, nil
}

// SetKVValue stores a value within the quota.
func (s *Store) SetKVValue(ctx context.Context, plugin, key string, value []byte, quota host.KVQuota) error {
	const query = `INSERT INTO plugin_values (plugin, key, value) VALUES (?, ?, ?)
		ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value`
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		used, err := usedBeside(t, plugin, key)
		if err != nil {
			return err
		}
		if err := used.Check(quota, key, value); err != nil {
			return err
		}
		_, err = t.exec(query, plugin, row.Blob([]byte(key)), row.Blob(value))
		return err
	}})
	if err != nil {
		return fmt.Errorf("store value of plugin: %w", err)
	}
	return nil
}

// DeleteKVValue deletes a key, if it is there.
func (s *Store) DeleteKVValue(ctx context.Context, plugin, key string) error {
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		_, err := t.exec(`DELETE FROM plugin_values WHERE plugin = ? AND key = ?`, plugin, row.Blob([]byte(key)))
		return err
	}})
	if err != nil {
		return fmt.Errorf("delete value of plugin: %w", err)
	}
	return nil
}

// usedBeside counts what a plugin keeps under other keys.
func usedBeside(t *tx, plugin, key string) (row.KVUsage, error) {
	const query = `SELECT ` + row.KVUsageColumns + ` FROM plugin_values
		WHERE plugin = ? AND key <> ?`
	used, err := queryTx(t, row.ScanKVUsage, query, plugin, row.Blob([]byte(key)))
	if err != nil {
		return row.KVUsage{}, err
	}
	return used[0], nil
}
