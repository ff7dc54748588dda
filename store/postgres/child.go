package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	childRunsQuery = `SELECT ` + row.RunColumns + ` FROM run_children AS c JOIN runs ON runs.id = c.run_id
		WHERE c.parent_id = $1 ORDER BY c.created_at, c.seq`

	// insertChildQuery is insertEndQuery for a run inside the one $15. It keeps the
	// root as it is until the transaction ends: whoever claims the root comes later,
	// or came before and is noticed.
	insertChildQuery = `WITH root AS MATERIALIZED (
			SELECT 1 FROM runs WHERE id = $15 AND attempt = $13 AND ` + notEnded + ` FOR SHARE) ` + insertEnd + `0 FROM root
		WHERE ($9 OR ` + sameState + `) AND ` + notCancelled + ` ON CONFLICT DO NOTHING ` + noteEnd

	noteChildQuery = `INSERT INTO run_children (run_id, root_id, parent_id, created_at)
		SELECT $1, $2, $3, $4 WHERE ` + ended

	dropCancelQuery = `DELETE FROM run_cancels WHERE run_id = $1 AND ` + ended
)

// ChildRuns returns the finished runs right inside a run, in the order of host.ByPlace.
func (s *Store) ChildRuns(ctx context.Context, runID string) ([]host.Run, error) {
	runs, err := list(ctx, s, row.ScanRun, childRunsQuery, runID)
	if err != nil {
		return nil, fmt.Errorf("read child runs: %w", err)
	}
	slices.SortStableFunc(runs, host.ByPlace)
	return runs, nil
}

// queueChild adds what belongs to the end of a run inside another one.
func (f *finishRows) queueChild(b *pgx.Batch) {
	run := f.run.run
	b.Queue(noteChildQuery, run.ID, run.RootID, run.ParentID, row.Nanos(run.CreatedAt))
	if run.Status == host.RunCancelled { // it may have been kept
		b.Queue(dropCancelQuery, run.ID)
	}
}

// childRefusal is refusal for a run inside another one.
func (f *finishRows) childRefusal(ctx context.Context, q querier) error {
	run := f.run.run
	_, err := checkRun(ctx, q, fenceQuery, run.RootID, run.Attempt)
	if host.CodeOf(err) == host.CodeNotFound {
		return host.ErrStale
	}
	if err != nil {
		return err
	}
	stored, err := one(ctx, q, row.Value[bool], `SELECT EXISTS (SELECT FROM runs WHERE id = $1)`, run.ID)
	if err == nil && stored {
		err = host.ErrStale
	}
	if err != nil || run.Status == host.RunCancelled {
		return err
	}
	cancelled, err := one(ctx, q, row.Value[bool], cancelKeptQuery, run.ID)
	if err == nil && cancelled {
		err = host.ErrCancelled
	}
	return err
}
