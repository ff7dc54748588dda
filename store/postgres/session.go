package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Session returns a session.
func (s *Store) Session(ctx context.Context, id string) (host.Session, error) {
	session, err := get(ctx, s, row.ScanSession, `SELECT `+row.SessionColumns+` FROM sessions WHERE id = $1`, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return host.Session{}, row.SessionNotFound(id)
	}
	if err != nil {
		return host.Session{}, fmt.Errorf("read session: %w", err)
	}
	return session, nil
}

// Turns counts the finished top-level runs of a session.
func (s *Store) Turns(ctx context.Context, sessionID string) (int, error) {
	const query = `SELECT coalesce(max(turn), 0) FROM runs WHERE session_id = $1 AND turn IS NOT NULL`
	turns, err := get(ctx, s, row.Value[int], query, sessionID)
	if err != nil {
		return 0, fmt.Errorf("count turns: %w", err)
	}
	return turns, nil
}
