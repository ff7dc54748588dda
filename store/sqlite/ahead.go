package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

const aheadQuery = `SELECT EXISTS (SELECT 1 FROM runs AS a WHERE ` + unfinishedTop + ` AND a.session_id = ? AND a.seq < ?)`

// Ahead reports whether a run of the same session was created before this one and
// has not ended.
func (s *Store) Ahead(ctx context.Context, run host.Run) (bool, error) {
	if run.Parallel || run.ParentID != "" {
		return false, nil
	}
	seq, err := s.place(ctx, run.ID)
	if err != nil {
		return false, fmt.Errorf("look ahead: %w", err)
	}
	// What is no longer being created is in the database: look there last.
	if first, ok := s.pending.firsts()[run.SessionID]; ok && first < seq {
		return true, nil
	}
	ahead, err := one(ctx, s.read, value[bool], aheadQuery, run.SessionID, seq)
	if err != nil {
		return false, fmt.Errorf("look ahead: %w", err)
	}
	return ahead, nil
}

// place is where a run is in the order of creation.
func (s *Store) place(ctx context.Context, id string) (int64, error) {
	if _, seq, ok := s.pending.get(id); ok {
		return seq, nil
	}
	seq, err := one(ctx, s.read, value[int64], `SELECT seq FROM runs WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, runNotFound(id)
	}
	return seq, err
}

const waitingQuery = `SELECT 1 FROM runs AS a
	WHERE a.status IN ('PENDING', 'RUNNING') AND a.parent_id = '' AND a.session_id = ?
		AND a.background AND a.owner = '' LIMIT 1`

// tellEnd tells those who wait for the end of a run, or for its stream.
func tellEnd(t *tx, run *host.Run) error {
	if run.Background {
		t.tell(host.SignalEvents, run.ID)
	}
	if run.ParentID != "" || run.Parallel {
		return nil
	}
	t.tell(host.SignalSession, run.SessionID)
	waiting, err := queryTx(t, value[int], waitingQuery, run.SessionID)
	if len(waiting) > 0 {
		t.tell(host.SignalWork, "")
	}
	return err
}
