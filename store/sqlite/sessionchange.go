package sqlite

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// CreateSession stores a session without runs.
func (s *Store) CreateSession(ctx context.Context, session host.Session) error {
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		n, err := t.exec(insertSession+` ON CONFLICT (id) DO NOTHING`, sessionValues(&session)...)
		if err == nil && n == 0 {
			return row.SessionExists(session.ID)
		}
		return err
	}})
	if err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	return nil
}

// UpdateSession changes a session and returns it.
func (s *Store) UpdateSession(ctx context.Context, id string, patch host.SessionPatch) (host.Session, error) {
	const query = `UPDATE sessions SET name = coalesce(?, name), state = coalesce(?, state),
			metadata = coalesce(?, metadata), updated_at = max(updated_at, ?)
		WHERE id = ? RETURNING ` + row.SessionColumns
	var name any
	if patch.Name != nil {
		name = *patch.Name
	}
	var session host.Session
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		found, err := queryTx(t, row.ScanSession, query,
			name, rawColumn(patch.State), rawColumn(patch.Metadata), row.Nanos(patch.At), id)
		t.changed(int64(len(found)))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return row.SessionNotFound(id)
		}
		session = found[0]
		return nil
	}})
	if err != nil {
		return host.Session{}, fmt.Errorf("update session: %w", err)
	}
	return session, nil
}
