package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// Snapshot returns the context of a background call.
func (s *Store) Snapshot(ctx context.Context, id string) ([]byte, error) {
	snapshot, err := one(ctx, s.read, value[[]byte], `SELECT context FROM snapshots WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, host.Errorf(host.CodeNotFound, "snapshot %q not found", id)
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

// dropSnapshot deletes a snapshot unless a call of its run needs it, or would if
// it were retried.
func dropSnapshot(t *tx, id string) error {
	const query = `DELETE FROM snapshots WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM hook_calls
		WHERE run_id = snapshots.run_id AND snapshot_id = ?1 AND status IN ('queued', 'running', 'dead'))`
	_, err := t.exec(query, id)
	return err
}
