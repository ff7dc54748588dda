package sqlite

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
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
	err = s.writer.write(ctx, &op{do: func(t *tx) error {
		if err := missedRun(t, run.ID, run.Attempt); err != nil {
			return err
		}
		return stored.checkpoint(t, string(checkpoint.State))
	}})
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// checkpoint replaces the row of a run that goes on.
func (r *runRow) checkpoint(t *tx, state string) error {
	const save = `INSERT INTO run_checkpoints (run_id, state) VALUES (?, ?)
		ON CONFLICT (run_id) DO UPDATE SET state = excluded.state`
	if _, err := t.exec(`UPDATE runs SET status = ?, doc = ? WHERE id = ?`, r.run.Status, r.doc, r.run.ID); err != nil {
		return err
	}
	if _, err := t.exec(save, r.run.ID, state); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM run_inputs WHERE run_id = ?`, r.run.ID)
	return err
}

// dropProgress deletes what a run would have gone on from.
func dropProgress(t *tx, id string) error {
	if _, err := t.exec(`DELETE FROM run_inputs WHERE run_id = ?`, id); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM run_checkpoints WHERE run_id = ?`, id)
	return err
}
