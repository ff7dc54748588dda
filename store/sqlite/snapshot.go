package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Snapshot returns the context of a background call.
func (s *Store) Snapshot(ctx context.Context, id string) ([]byte, error) {
	snapshot, err := one(ctx, s.read, row.Value[[]byte], `SELECT context FROM snapshots WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, row.SnapshotNotFound(id)
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return snapshot, nil
}

func insertSnapshot(t *tx, snapshot host.Snapshot) error {
	_, err := t.exec(`INSERT INTO snapshots (id, run_id, context) VALUES (?, ?, ?)`,
		snapshot.ID, snapshot.RunID, snapshot.Context)
	return err
}

const dropSnapshotQuery = `DELETE FROM snapshots WHERE id = ?1 AND NOT EXISTS (
	SELECT 1 FROM runs AS r CROSS JOIN hook_calls AS c ON c.seq BETWEEN r.first_call AND r.last_call
	WHERE r.id = snapshots.run_id AND c.snapshot_id = ?1 AND c.status IN ('queued', 'running', 'dead'))`

// dropSnapshot deletes a snapshot unless a call of its run needs it, or would if
// it were retried.
func dropSnapshot(t *tx, id string) error {
	if id == "" {
		return nil
	}
	_, err := t.exec(dropSnapshotQuery, id)
	return err
}
