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
		if err := quota.Check(used.keys+1, used.bytes+int64(len(key)+len(value))); err != nil {
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

// usage is what a plugin keeps.
type usage struct {
	keys  int
	bytes int64
}

// usedBeside counts what a plugin keeps under other keys.
func usedBeside(t *tx, plugin, key string) (usage, error) {
	const query = `SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM plugin_values
		WHERE plugin = ? AND key <> ?`
	used, err := queryTx(t, scanUsage, query, plugin, row.Blob([]byte(key)))
	if err != nil {
		return usage{}, err
	}
	return used[0], nil
}

func scanUsage(r row.Scanner) (usage, error) {
	var u usage
	err := r.Scan(&u.keys, &u.bytes)
	return u, err
}
