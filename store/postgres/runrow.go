package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// runKey names a run's row to the writer.
func runKey(id string) string { return "run " + id }

// runRow is a run as it is stored.
type runRow struct {
	run   *host.Run
	lease host.Lease
	doc   []byte
}

func newRunRow(run *host.Run, lease host.Lease) (runRow, error) {
	doc, err := row.Encode(run)
	if err != nil {
		return runRow{}, fmt.Errorf("encode run: %w", err)
	}
	return runRow{run: run, lease: lease, doc: doc}, nil
}

// insertRunsQuery adds runs that have not ended, in their order, and returns the
// ids of those that were not there. What a cancel left behind comes with them.
const insertRunsQuery = `INSERT INTO runs (id, session_id, component_kind, component_id,
		background, parallel, status, attempt, owner, lease_until, due_at, created_at, doc,
		cancel_requested, finished_at)
	SELECT u.id, session_id, kind, component, background, parallel, status, attempt, owner, lease_until,
		created_at, created_at, doc, coalesce((SELECT TRUE FROM run_cancels WHERE run_id = u.id COLLATE "C"), FALSE), 0
	FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::bool[], $7::text[], $8::int[],
			$9::text[], $10::bigint[], $11::bigint[], $12::bytea[]) WITH ORDINALITY
		AS u (id, session_id, kind, component, background, parallel, status, attempt,
			owner, lease_until, created_at, doc, n)
	ORDER BY n
	ON CONFLICT DO NOTHING RETURNING id`

// runColumnsOf are the columns of insertRunsQuery, one element for each run.
type runColumnsOf struct {
	ids, sessions, kinds, components, statuses, owners []string
	backgrounds, parallels                             []bool
	attempts                                           []int32
	leases, created                                    []int64
	docs                                               [][]byte
}

func (c *runColumnsOf) add(r *runRow) {
	run := r.run
	c.ids, c.sessions = append(c.ids, run.ID), append(c.sessions, run.SessionID)
	c.kinds, c.components = append(c.kinds, string(run.Component.Kind)), append(c.components, run.Component.ID)
	c.backgrounds, c.parallels = append(c.backgrounds, run.Background), append(c.parallels, run.Parallel)
	c.statuses, c.attempts = append(c.statuses, string(run.Status)), append(c.attempts, int32(run.Attempt))
	c.owners, c.leases = append(c.owners, r.lease.Owner), append(c.leases, row.Nanos(r.lease.Until))
	c.created, c.docs = append(c.created, row.Nanos(run.CreatedAt)), append(c.docs, r.doc)
}

func (c *runColumnsOf) args() []any {
	return []any{
		c.ids, c.sessions, c.kinds, c.components, c.backgrounds, c.parallels, c.statuses, c.attempts,
		c.owners, c.leases, c.created, c.docs,
	}
}

// notEnded chooses among runs that are looked for by their ids or their session. It
// is not what an index says, or that might seem the shorter way.
const notEnded = `status NOT IN ('COMPLETED', 'CANCELLED', 'ERROR')`

const fenceQuery = `SELECT ` + row.FenceColumns + ` FROM runs WHERE id = $1`

// checkRun returns host.ErrStale when the attempt of a run is over, and whether
// somebody has asked to cancel it.
func checkRun(ctx context.Context, q querier, query, id string, attempt int) (cancelled bool, err error) {
	f, err := one(ctx, q, row.ScanFence, query, id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, row.RunNotFound(id)
	case err != nil:
		return false, err
	}
	return f.Check(attempt)
}

// holdRun is checkRun that keeps the row as it is until the transaction ends.
func holdRun(ctx context.Context, t *tx, id string, attempt int) (cancelled bool, err error) {
	return checkRun(ctx, t, fenceQuery+` FOR NO KEY UPDATE`, id, attempt)
}
