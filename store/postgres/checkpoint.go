package postgres

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// SaveCheckpoint replaces the run's row and checkpoint and deletes its request.
func (s *Store) SaveCheckpoint(ctx context.Context, checkpoint host.Checkpoint) error {
	run := checkpoint.Run
	if run.Status.Final() {
		return fmt.Errorf("save checkpoint: status %s is final", run.Status)
	}
	stored, err := newRunRow(&run, host.Lease{})
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		cancelled, err := holdRun(ctx, t, run.ID, run.Attempt)
		if err == nil && cancelled {
			err = host.ErrCancelled
		}
		if err != nil {
			return err
		}
		return stored.checkpoint(ctx, t, row.Blob(checkpoint.State))
	})
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// checkpoint replaces the row of a run that goes on.
func (r *runRow) checkpoint(ctx context.Context, t *tx, state []byte) error {
	const query = `WITH
		saved AS (INSERT INTO run_checkpoints (run_id, state) VALUES ($1, $2)
			ON CONFLICT (run_id) DO UPDATE SET state = excluded.state),
		asked AS (DELETE FROM run_inputs WHERE run_id = $1)
		UPDATE runs SET status = $3, doc = $4 WHERE id = $1`
	_, err := t.Exec(ctx, query, r.run.ID, state, string(r.run.Status), r.doc)
	return err
}
