package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// claimRuns leases runs r to the owner $1 until $2. They are due at $3, held by
// nobody, and at the head of their session or to be cancelled.
const (
	claimRunsQuery = claimRuns + `status IN ('PENDING', 'RUNNING') AND ` + claimable + ` ORDER BY seq LIMIT $4` + claimedRuns
	claimRunQuery  = claimRuns + `id = $4 AND ` + notEnded + ` AND status <> 'PAUSED' AND ` + claimable + claimedRuns

	claimRuns = `WITH c AS MATERIALIZED (SELECT seq FROM runs AS r WHERE `
	claimable = `owner = '' AND background AND due_at <= $3
			AND (cancel_requested OR parallel OR NOT EXISTS (SELECT FROM runs AS a
				WHERE ` + waitedFor + ` AND a.session_id = r.session_id AND a.seq < r.seq))`
	claimedRuns = ` FOR NO KEY UPDATE SKIP LOCKED)
		UPDATE runs SET status = 'RUNNING', attempt = attempt + 1, owner = $1, lease_until = $2 FROM c WHERE runs.seq = c.seq
		RETURNING runs.seq, losses, cancel_requested, ` + row.RunColumns
)

// ClaimRuns leases up to limit background runs that are due and held by nobody,
// those created first first.
func (s *Store) ClaimRuns(ctx context.Context, lease host.Lease, now time.Time, limit int) ([]host.RunWork, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	return s.claimRuns(ctx, claimRunsQuery, lease, now, limit)
}

// ClaimRun leases one background run; false when it cannot be claimed.
func (s *Store) ClaimRun(ctx context.Context, lease host.Lease, now time.Time, id string) (host.RunWork, bool, error) {
	work, err := s.claimRuns(ctx, claimRunQuery, lease, now, id)
	if err != nil || len(work) == 0 {
		return host.RunWork{}, false, err
	}
	return work[0], true, nil
}

// claimRuns runs a query whose last argument is which.
func (s *Store) claimRuns(
	ctx context.Context, query string, lease host.Lease, now time.Time, which any,
) ([]host.RunWork, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var work []host.RunWork
	// Once begun the claim is seen through: runs leased to a caller that gave up
	// would be held for ever.
	err := s.write(context.WithoutCancel(ctx), func(ctx context.Context, t *tx) error {
		runs, err := all(ctx, t, row.ScanClaimedRun, query, lease.Owner, row.Nanos(lease.Until), row.Nanos(now), which)
		if err != nil {
			return err
		}
		work, err = runWork(ctx, t, runs)
		return err
	})
	s.doubts.add(lease, err)
	if err != nil {
		return nil, fmt.Errorf("claim runs: %w", err)
	}
	return work, nil
}

// runWork adds what the runs go on from.
func runWork(ctx context.Context, t *tx, runs []row.ClaimedRun) ([]host.RunWork, error) {
	const query = `SELECT (SELECT request FROM run_inputs WHERE run_id = $1),
		(SELECT state FROM run_checkpoints WHERE run_id = $1), ` + nextEvent
	work := row.ClaimedWork(runs)
	for i := range work {
		scan := func(r row.Scanner) (struct{}, error) { return struct{}{}, row.ScanProgress(r, &work[i]) }
		if _, err := one(ctx, t, scan, query, work[i].Run.ID); err != nil {
			return nil, err
		}
	}
	return work, nil
}

// ReleaseRun gives a claimed run back, due now.
func (s *Store) ReleaseRun(ctx context.Context, id string, attempt int) error {
	const query = `UPDATE runs SET owner = '', lease_until = 0, due_at = $1 WHERE id = $2`
	now := row.Nanos(s.now())
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		if _, err := holdRun(ctx, t, id, attempt); err != nil {
			return err
		}
		t.due(runJob(id))
		_, err := t.Exec(ctx, query, now, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("release run: %w", err)
	}
	return nil
}
