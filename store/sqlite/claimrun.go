package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// claimable chooses the runs r that a worker may have. ?3 is the time; ?4 is the
// places of the runs that are being created, by session.
const claimable = `r.status IN ('PENDING', 'RUNNING') AND r.owner = '' AND r.background AND r.due_at <= ?3
	AND (r.cancel_requested OR r.parallel OR NOT EXISTS (
			SELECT 1 FROM runs AS a WHERE ` + waitedFor + ` AND a.session_id = r.session_id AND a.place < r.place)
		AND NOT EXISTS (SELECT 1 FROM json_each(?4) AS p WHERE p.key = r.session_id AND p.value < r.place))`

// waitedFor chooses the runs a that later runs of their session wait for.
const waitedFor = `a.turn IS NULL AND a.status IN ('PENDING', 'RUNNING') AND NOT a.parallel`

const (
	claimRuns = `UPDATE runs SET status = 'RUNNING', attempt = attempt + 1, owner = ?1, lease_until = ?2 WHERE seq IN (`
	claimed   = `) RETURNING place, losses, cancel_requested, ` + row.RunColumns

	claimRunsQuery = claimRuns + `SELECT r.seq FROM runs AS r WHERE ` + claimable + ` ORDER BY r.place LIMIT ?5` + claimed
	claimRunQuery  = claimRuns + `SELECT r.seq FROM runs AS r WHERE ` + claimable + ` AND r.id = ?5` + claimed
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
	err := s.writer.write(context.WithoutCancel(ctx), &op{do: func(t *tx) error {
		creating, err := json.Marshal(s.pending.firsts())
		if err != nil {
			return err
		}
		runs, err := queryTx(t, row.ScanClaimedRun, query,
			lease.Owner, row.Nanos(lease.Until), row.Nanos(now), string(creating), which)
		t.changed(int64(len(runs)))
		if err != nil {
			return err
		}
		work, err = runWork(t, runs)
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("claim runs: %w", err)
	}
	return work, nil
}

// runWork adds what the runs go on from.
func runWork(t *tx, runs []row.ClaimedRun) ([]host.RunWork, error) {
	const query = `SELECT (SELECT request FROM run_inputs WHERE run_id = ?1),
		(SELECT state FROM run_checkpoints WHERE run_id = ?1), ` + nextEvent
	work := row.ClaimedWork(runs)
	for i := range work {
		scan := func(r row.Scanner) (struct{}, error) { return struct{}{}, row.ScanProgress(r, &work[i]) }
		if _, err := queryTx(t, scan, query, work[i].Run.ID); err != nil {
			return nil, err
		}
	}
	return work, nil
}

// ReleaseRun gives a claimed run back, due now.
func (s *Store) ReleaseRun(ctx context.Context, id string, attempt int) error {
	const query = `UPDATE runs SET owner = '', lease_until = 0, due_at = ? WHERE id = ?`
	now := row.Nanos(s.now())
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		if _, err := checkRun(t, id, attempt); err != nil {
			return err
		}
		t.tell(host.SignalWork, "")
		_, err := t.exec(query, now, id)
		return err
	}})
	if err != nil {
		return fmt.Errorf("release run: %w", err)
	}
	return nil
}
