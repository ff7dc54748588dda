package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// CancelRun notes that the run is to end CANCELLED.
func (s *Store) CancelRun(ctx context.Context, id string, at time.Time) error {
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		const query = `UPDATE runs SET cancel_requested = 1
			WHERE id = ? AND status IN ('PENDING', 'RUNNING')`
		n, err := t.exec(query, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return keepCancelOf(t, id, at)
		}
		t.tell(host.SignalCancel, id)
		return nil
	}})
	if err != nil {
		return fmt.Errorf("cancel run: %w", err)
	}
	return nil
}

// keepCancelOf keeps the cancel of a run that does not exist, and forgets old ones:
// the next sweep may be far.
func keepCancelOf(t *tx, id string, at time.Time) error {
	const query = `INSERT INTO run_cancels (run_id, requested_at)
		SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id = ?1)
		ON CONFLICT (run_id) DO UPDATE SET requested_at = excluded.requested_at`
	n, err := t.exec(query, id, row.Nanos(at))
	if err != nil || n == 0 {
		return err
	}
	t.memory.cancels = true
	t.tell(host.SignalCancel, id)
	return expireCancels(t, at)
}

// cancelKept reports whether a cancel of the run came before it.
func cancelKept(t *tx, id string) (bool, error) {
	if !t.memory.cancels {
		return false, nil
	}
	kept, err := queryTx(t, row.Value[int], `SELECT 1 FROM run_cancels WHERE run_id = ?`, id)
	return len(kept) > 0, err
}

// dropCancel forgets the cancel of a run that has ended CANCELLED.
func dropCancel(t *tx, id string) error {
	if !t.memory.cancels {
		return nil
	}
	_, err := t.exec(`DELETE FROM run_cancels WHERE run_id = ?`, id)
	return err
}

const keptCancelsQuery = `SELECT run_id FROM run_cancels WHERE run_id IN (SELECT value FROM json_each(?))`

// KeptCancels returns those of the ids for which a cancel is kept.
func (s *Store) KeptCancels(ctx context.Context, ids []string) ([]string, error) {
	list, err := encode(ids)
	if err != nil {
		return nil, fmt.Errorf("read cancels: %w", err)
	}
	kept, err := all(ctx, s.read, row.Value[string], keptCancelsQuery, list)
	if err != nil {
		return nil, fmt.Errorf("read cancels: %w", err)
	}
	return kept, nil
}

const expireCancelsQuery = `DELETE FROM run_cancels WHERE requested_at < ?`

// expireCancels forgets the cancels whose runs were not created in time.
func expireCancels(t *tx, now time.Time) error {
	_, err := t.exec(expireCancelsQuery, row.Nanos(now.Add(-row.KeepCancel)))
	return err
}
