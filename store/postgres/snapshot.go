package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/store/row"
)

// Snapshot returns the context of a background call.
func (s *Store) Snapshot(ctx context.Context, id string) ([]byte, error) {
	snapshot, err := get(ctx, s, row.Value[[]byte], `SELECT context FROM snapshots WHERE id = $1`, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, row.SnapshotNotFound(id)
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return snapshot, nil
}
