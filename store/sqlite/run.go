package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// StartRun turns a PENDING run into RUNNING; it is not waited for.
func (s *Store) StartRun(_ context.Context, id string, attempt int) error {
	const query = `UPDATE runs SET status = 'RUNNING' WHERE id = ? AND attempt = ? AND status = 'PENDING'`
	err := s.writer.writeLazily(&op{do: func(t *tx) error {
		_, err := t.exec(query, id, attempt)
		return err
	}})
	if err != nil {
		return fmt.Errorf("start run: %w", err)
	}
	return nil
}

// Run returns a run, whatever its state.
func (s *Store) Run(ctx context.Context, id string) (host.Run, error) {
	if run, _, ok := s.pending.get(id); ok {
		return run, nil
	}
	const query = `SELECT ` + row.RunColumns + ` FROM runs WHERE id = ?`
	run, err := one(ctx, s.read, row.ScanRun, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		return host.Run{}, row.RunNotFound(id)
	}
	if err != nil {
		return host.Run{}, fmt.Errorf("read run: %w", err)
	}
	return run, nil
}

const historyQuery = `SELECT ` + row.RunColumns + ` FROM runs
	WHERE session_id = ? AND turn > 0 AND status = 'COMPLETED' ORDER BY turn DESC LIMIT ?`

// History returns the last n COMPLETED top-level runs of a session, oldest
// first.
func (s *Store) History(ctx context.Context, sessionID string, n int) ([]host.Run, error) {
	if n <= 0 {
		return nil, nil
	}
	runs, err := all(ctx, s.read, row.ScanRun, historyQuery, sessionID, n)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	slices.Reverse(runs)
	return runs, nil
}
