package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// free repeats what makes a call free as the index says it.
const free = `status IN ('queued', 'running') AND owner = ''`

// dueQuery steps through the index from plugin to plugin.
const dueQuery = `WITH RECURSIVE due (plugin) AS (
		(SELECT plugin FROM hook_calls WHERE ` + free + ` ORDER BY plugin LIMIT 1)
		UNION ALL
		SELECT (SELECT plugin FROM hook_calls WHERE ` + free + ` AND plugin > due.plugin ORDER BY plugin LIMIT 1)
		FROM due WHERE due.plugin IS NOT NULL)
	SELECT plugin, (SELECT min(next_attempt_at) FROM hook_calls WHERE ` + free + ` AND plugin = due.plugin)
	FROM due WHERE plugin IS NOT NULL`

// DueHookCalls returns, by plugin, when its next unheld call is due.
func (s *Store) DueHookCalls(ctx context.Context) (map[string]time.Time, error) {
	type due struct {
		plugin string
		at     *int64
	}
	scan := func(r row.Scanner) (d due, err error) {
		err = r.Scan(&d.plugin, &d.at)
		return d, err
	}
	rows, err := list(ctx, s, scan, dueQuery)
	if err != nil {
		return nil, fmt.Errorf("read due hook calls: %w", err)
	}
	plugins := make(map[string]time.Time, len(rows))
	for _, d := range rows {
		if d.at != nil {
			plugins[d.plugin] = row.Time(*d.at)
		}
	}
	return plugins, nil
}

// claimQuery leases calls to the owner $1 until $2.
const claimQuery = `WITH c AS MATERIALIZED (SELECT seq FROM hook_calls
		WHERE ` + free + ` AND plugin = $3 AND next_attempt_at <= $4
		ORDER BY next_attempt_at LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED)
	UPDATE hook_calls SET owner = $1, lease_until = $2 FROM c WHERE hook_calls.seq = c.seq
	RETURNING ` + hookCallColumns

// ClaimHookCalls leases up to limit calls of the plugin that are due and held by
// nobody, the longest due first.
func (s *Store) ClaimHookCalls(
	ctx context.Context, lease host.Lease, now time.Time, plugin string, limit int,
) ([]host.HookCall, error) {
	if limit <= 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// Once begun the claim is seen through: calls leased to a caller that gave up
	// would be held for ever.
	calls, err := list(context.WithoutCancel(ctx), s, scanHookCall, claimQuery,
		lease.Owner, row.Nanos(lease.Until), plugin, row.Nanos(now), limit)
	s.doubts.add(lease, err)
	if err != nil {
		return nil, fmt.Errorf("claim hook calls: %w", err)
	}
	row.SortDue(calls)
	return calls, nil
}

const backlogQuery = `SELECT status, count(*) FROM hook_calls
		WHERE status IN ('queued', 'running', 'dead') GROUP BY status
	UNION ALL SELECT status, count(*) FROM runs
		WHERE status IN ('PENDING', 'RUNNING') AND background GROUP BY status`

// Backlog counts the background work.
func (s *Store) Backlog(ctx context.Context) (host.Backlog, error) {
	var b host.Backlog
	scan := row.BacklogScan(&b)
	if _, err := list(ctx, s, scan, backlogQuery); err != nil {
		return host.Backlog{}, fmt.Errorf("count background work: %w", err)
	}
	due, err := s.DueHookCalls(ctx)
	b.Due = row.Earliest(due)
	return b, err
}
