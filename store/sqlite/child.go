package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// childRunsQuery takes the parent. Its order settles that of equal places.
const childRunsQuery = `SELECT ` + row.RunColumns + ` FROM (
		SELECT run_id, created_at AS created, seq AS stored FROM run_children WHERE parent_id = ?)
	CROSS JOIN runs ON runs.id = run_id ORDER BY created, stored`

// ChildRuns returns the finished runs right inside a run, in the order of host.ByPlace.
func (s *Store) ChildRuns(ctx context.Context, runID string) ([]host.Run, error) {
	runs, err := all(ctx, s.read, row.ScanRun, childRunsQuery, runID)
	if err != nil {
		return nil, fmt.Errorf("read child runs: %w", err)
	}
	slices.SortStableFunc(runs, host.ByPlace)
	return runs, nil
}

// insertChild adds the row of a run inside another one, which has ended as it was
// promised to, while the attempt of its root goes on.
func (r *runRow) insertChild(t *tx) error {
	const query = `INSERT INTO run_children (run_id, root_id, parent_id, created_at) VALUES (?, ?, ?, ?)`
	run := r.run
	if _, err := checkRun(t, run.RootID, run.Attempt); err != nil {
		return err
	}
	added, err := r.add(t)
	switch {
	case err != nil:
		return err
	case !added:
		return host.ErrStale
	}
	if err := r.checkCancel(t); err != nil {
		return err
	}
	if _, err := t.exec(query, run.ID, run.RootID, run.ParentID, row.Nanos(run.CreatedAt)); err != nil {
		return err
	}
	return dropCancel(t, run.ID)
}
