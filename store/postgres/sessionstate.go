package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// MergeSessionState lays a patch over a session's state while the attempt of the
// hook call is not over.
func (s *Store) MergeSessionState(ctx context.Context, merge host.StateMerge) error {
	const (
		read  = `SELECT state FROM sessions WHERE id = $1 FOR NO KEY UPDATE`
		write = `UPDATE sessions SET state = $1, updated_at = greatest(updated_at, $2) WHERE id = $3`
	)
	now := row.Nanos(s.now())
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := holdHookCall(ctx, t, merge.HookCallID, merge.Fence); err != nil {
			return err
		}
		state, err := one(ctx, t, row.Value[[]byte], read, merge.SessionID)
		if errors.Is(err, pgx.ErrNoRows) {
			return row.SessionNotFound(merge.SessionID)
		}
		if err != nil {
			return err
		}
		merged, err := host.MergeState(state, merge.Patch)
		if err != nil {
			return err
		}
		_, err = t.Exec(ctx, write, []byte(merged), now, merge.SessionID)
		return err
	})
	if err != nil {
		return fmt.Errorf("merge session state: %w", err)
	}
	return nil
}
