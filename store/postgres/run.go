package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// StartRun turns a PENDING run into RUNNING; it is not waited for.
func (s *Store) StartRun(_ context.Context, id string, attempt int) error {
	if err := s.writer.writeLazily(&op{begin: &runStart{id, attempt}}); err != nil {
		return fmt.Errorf("start run: %w", err)
	}
	return nil
}

// Run returns a run, whatever its state.
func (s *Store) Run(ctx context.Context, id string) (host.Run, error) {
	if run, ok := s.pending.get(id); ok {
		return run, nil
	}
	run, err := get(ctx, s, row.ScanRun, `SELECT `+row.RunColumns+` FROM runs WHERE id = $1`, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return host.Run{}, row.RunNotFound(id)
	}
	if err != nil {
		return host.Run{}, fmt.Errorf("read run: %w", err)
	}
	return run, nil
}

const historyQuery = `SELECT ` + row.RunColumns + ` FROM runs
	WHERE session_id = $1 AND turn > 0 AND status = 'COMPLETED' ORDER BY turn DESC LIMIT $2`

// History returns the last n COMPLETED top-level runs of a session, oldest
// first.
func (s *Store) History(ctx context.Context, sessionID string, n int) ([]host.Run, error) {
	if n <= 0 {
		return nil, nil
	}
	runs, err := list(ctx, s, row.ScanRun, historyQuery, sessionID, n)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	slices.Reverse(runs)
	return runs, nil
}
