package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// CancelRun notes that the run is to end CANCELLED. It holds the run's row, or the
// lock of its creation, so that whatever the run still writes comes before it and
// is final, or finds the cancel.
func (s *Store) CancelRun(ctx context.Context, id string, at time.Time) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		if noted, err := noteCancel(ctx, t, id); noted || err != nil {
			return err
		}
		if err := t.lock(ctx, runLock(id)); err != nil {
			return err
		}
		// Once more: it may have been created until the lock was free.
		if noted, err := noteCancel(ctx, t, id); noted || err != nil {
			return err
		}
		return keepCancelOf(ctx, t, id, at)
	})
	if err != nil {
		return fmt.Errorf("cancel run: %w", err)
	}
	return nil
}

const (
	cancelKeptQuery  = `SELECT EXISTS (SELECT FROM run_cancels WHERE run_id = $1)`
	keptCancelsQuery = `SELECT run_id FROM run_cancels WHERE run_id = ANY ($1)`
)

// KeptCancels returns those of the ids for which a cancel is kept.
func (s *Store) KeptCancels(ctx context.Context, ids []string) ([]string, error) {
	kept, err := list(ctx, s, row.Value[string], keptCancelsQuery, ids)
	if err != nil {
		return nil, fmt.Errorf("read cancels: %w", err)
	}
	return kept, nil
}

// noteCancel flags the row of a run that has not ended.
func noteCancel(ctx context.Context, t *tx, id string) (bool, error) {
	// A run that nobody holds is for who cancels it to end; no worker is called.
	const query = `UPDATE runs SET cancel_requested = TRUE WHERE id = $1 AND ` + notEnded
	n, err := t.exec(ctx, query, id)
	if err != nil || n == 0 {
		return false, err
	}
	t.tell(host.SignalCancel, id)
	return true, nil
}

// keepCancelOf keeps the cancel of a run that does not exist.
func keepCancelOf(ctx context.Context, t *tx, id string, at time.Time) error {
	const query = `INSERT INTO run_cancels (run_id, requested_at)
		SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM runs WHERE id = $1)
		ON CONFLICT (run_id) DO UPDATE SET requested_at = excluded.requested_at`
	n, err := t.exec(ctx, query, id, row.Nanos(at))
	if n > 0 {
		t.tell(host.SignalCancel, id)
	}
	return err
}
