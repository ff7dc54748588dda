package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Session returns a session.
func (s *Store) Session(ctx context.Context, id string) (host.Session, error) {
	const query = `SELECT ` + row.SessionColumns + ` FROM sessions WHERE id = ?`
	session, err := one(ctx, s.read, row.ScanSession, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		return host.Session{}, row.SessionNotFound(id)
	}
	if err != nil {
		return host.Session{}, fmt.Errorf("read session: %w", err)
	}
	return session, nil
}

// Turns counts the finished top-level runs of a session.
func (s *Store) Turns(ctx context.Context, sessionID string) (int, error) {
	turns, err := one(ctx, s.read, row.Value[int], `SELECT `+lastTurn, sessionID)
	if err != nil {
		return 0, fmt.Errorf("count turns: %w", err)
	}
	return turns, nil
}

// lastTurn is the last turn of the session ?1, 0 for none.
const lastTurn = `coalesce((SELECT max(turn) FROM runs WHERE session_id = ?1 AND turn IS NOT NULL), 0)`

// putSession inserts the session, or updates what a run may change of it. before
// is the state the run found.
func putSession(t *tx, session *host.Session, before json.RawMessage) error {
	const query = insertSession + ` ON CONFLICT (id) DO UPDATE SET
			state = excluded.state, metadata = coalesce(excluded.metadata, metadata), updated_at = excluded.updated_at,
			title = iif(title = '', excluded.title, title)
		WHERE state IS ?`
	n, err := t.exec(query, append(sessionValues(session), rawColumn(before))...)
	if err != nil || n > 0 {
		return err
	}
	return rebaseSession(t, session, before)
}

const insertSession = `INSERT INTO sessions (id, component_kind, component_id, component_name, user_id, name, title,
		state, metadata, created_at, updated_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// sessionValues are the values of insertSession.
func sessionValues(session *host.Session) []any {
	return []any{
		session.ID, session.Component.Kind, session.Component.ID, session.Component.Name,
		session.UserID, session.Name, session.Title, rawColumn(session.State), rawColumn(session.Metadata),
		row.Nanos(session.CreatedAt), row.Nanos(session.UpdatedAt),
	}
}
