package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// CreateSession stores a session without runs.
func (s *Store) CreateSession(ctx context.Context, session host.Session) error {
	const query = `INSERT INTO sessions (id, component_kind, component_id, component_name, user_id, name, title,
			state, metadata, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := t.lock(ctx, sessionLock(session.ID)); err != nil {
			return err
		}
		n, err := t.exec(ctx, query, sessionValues(&session)...)
		if err == nil && n == 0 {
			return row.SessionExists(session.ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	return nil
}

// UpdateSession changes a session and returns it.
func (s *Store) UpdateSession(ctx context.Context, id string, patch host.SessionPatch) (host.Session, error) {
	const query = `UPDATE sessions SET name = coalesce($2, name), state = coalesce($3, state),
			metadata = coalesce($4, metadata), updated_at = greatest(updated_at, $5)
		WHERE id = $1 RETURNING ` + row.SessionColumns
	var session host.Session
	err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		session, err = one(ctx, t, row.ScanSession, query,
			id, patch.Name, []byte(patch.State), []byte(patch.Metadata), row.Nanos(patch.At))
		if errors.Is(err, pgx.ErrNoRows) {
			return row.SessionNotFound(id)
		}
		return err
	})
	if err != nil {
		return host.Session{}, fmt.Errorf("update session: %w", err)
	}
	return session, nil
}
