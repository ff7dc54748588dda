package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// MergeSessionState lays a patch over a session's state while the attempt of the
// hook call is not over.
func (s *Store) MergeSessionState(ctx context.Context, merge host.StateMerge) error {
	now := s.now()
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		if err := checkFence(t, merge.HookCallID, merge.Fence); err != nil {
			return err
		}
		state, err := sessionState(t, merge.SessionID)
		if err != nil {
			return err
		}
		merged, err := host.MergeState(state, merge.Patch)
		if err != nil {
			return err
		}
		return setSessionState(t, merge.SessionID, merged, now)
	}})
	if err != nil {
		return fmt.Errorf("merge session state: %w", err)
	}
	return nil
}

// checkFence returns host.ErrStale when the fence of a hook call is another.
func checkFence(t *tx, id string, fence int) error {
	const query = `SELECT 1 FROM hook_calls WHERE id = ? AND attempt + releases = ? AND status IN ('queued', 'running')`
	found, err := queryTx(t, row.Value[int], query, id, fence)
	if err == nil && len(found) == 0 {
		return missingHookCall(t, id)
	}
	return err
}

// rebaseSession is what a run's end does to a session whose state somebody else
// has changed since the run read it.
func rebaseSession(t *tx, session *host.Session, before json.RawMessage) error {
	current, err := sessionState(t, session.ID)
	if err != nil {
		return err
	}
	state, err := host.RebaseState(current, before, session.State)
	if err != nil {
		return err
	}
	const query = `UPDATE sessions SET metadata = coalesce(?, metadata), title = iif(title = '', ?, title) WHERE id = ?`
	if _, err := t.exec(query, rawColumn(session.Metadata), session.Title, session.ID); err != nil {
		return err
	}
	return setSessionState(t, session.ID, state, session.UpdatedAt)
}

func sessionState(t *tx, id string) (json.RawMessage, error) {
	states, err := queryTx(t, row.Value[[]byte], `SELECT state FROM sessions WHERE id = ?`, id)
	if err != nil {
		return nil, err
	}
	if len(states) == 0 {
		return nil, row.SessionNotFound(id)
	}
	return states[0], nil
}

func setSessionState(t *tx, id string, state json.RawMessage, at time.Time) error {
	const query = `UPDATE sessions SET state = ?1, updated_at = max(updated_at, ?2) WHERE id = ?3`
	_, err := t.exec(query, rawColumn(state), row.Nanos(at), id)
	return err
}
