package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const aheadQuery = `SELECT EXISTS (SELECT 1 FROM runs AS a WHERE ` + waitedFor + ` AND a.session_id = ? AND a.place < ?)`

// Ahead reports whether a run of the same session was created before this one and
// has not ended.
func (s *Store) Ahead(ctx context.Context, run host.Run) (bool, error) {
	if run.Parallel || !run.TopLevel() {
		return false, nil
	}
	place, err := s.place(ctx, run.ID)
	if err != nil {
		return false, fmt.Errorf("look ahead: %w", err)
	}
	// What is no longer being created is in the database: look there last.
	if first, ok := s.pending.firsts()[run.SessionID]; ok && first < place {
		return true, nil
	}
	ahead, err := one(ctx, s.read, row.Value[bool], aheadQuery, run.SessionID, place)
	if err != nil {
		return false, fmt.Errorf("look ahead: %w", err)
	}
	return ahead, nil
}

// place is where a run is in the order of creation.
func (s *Store) place(ctx context.Context, id string) (int64, error) {
	if _, place, ok := s.pending.get(id); ok {
		return place, nil
	}
	place, err := one(ctx, s.read, row.Value[int64], `SELECT place FROM runs WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, row.RunNotFound(id)
	}
	return place, err
}
