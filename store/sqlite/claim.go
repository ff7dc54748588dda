package sqlite

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
		SELECT min(plugin) FROM hook_calls WHERE ` + free + `
		UNION ALL
		SELECT (SELECT min(plugin) FROM hook_calls WHERE ` + free + ` AND plugin > due.plugin)
		FROM due WHERE due.plugin IS NOT NULL)
	SELECT plugin, (SELECT min(next_attempt_at) FROM hook_calls WHERE ` + free + ` AND plugin = due.plugin)
	FROM due WHERE plugin IS NOT NULL`

// DueHookCalls returns, by plugin, when its next unheld call is due.
func (s *Store) DueHookCalls(ctx context.Context) (map[string]time.Time, error) {
	type due struct {
		plugin string
		at     int64
	}
	scan := func(r row.Scanner) (d due, err error) {
		err = r.Scan(&d.plugin, &d.at)
		return d, err
	}
	rows, err := all(ctx, s.read, scan, dueQuery)
	if err != nil {
		return nil, fmt.Errorf("read due hook calls: %w", err)
	}
	plugins := make(map[string]time.Time, len(rows))
	for _, d := range rows {
		plugins[d.plugin] = row.Time(d.at)
	}
	return plugins, nil
}

const claimQuery = `UPDATE hook_calls SET owner = ?, lease_until = ?
	WHERE id IN (SELECT id FROM hook_calls
		WHERE ` + free + ` AND plugin = ? AND next_attempt_at <= ?
		ORDER BY next_attempt_at LIMIT ?)
	RETURNING ` + hookCallColumns

// ClaimHookCalls leases up to limit calls of the plugin that are due and held by
// nobody, the longest due first.
func (s *Store) ClaimHookCalls(
	ctx context.Context, lease host.Lease, now time.Time, plugin string, limit int,
) ([]host.HookCall, error) {
	if limit <= 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var calls []host.HookCall
	// Once begun the claim is seen through: calls leased to a caller that gave up
	// would be held for ever.
	err := s.writer.write(context.WithoutCancel(ctx), &op{do: func(t *tx) (err error) {
		calls, err = queryTx(t, scanHookCall, claimQuery, lease.Owner, row.Nanos(lease.Until), plugin, row.Nanos(now), limit)
		t.changed(int64(len(calls)))
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("claim hook calls: %w", err)
	}
	row.SortDue(calls)
	return calls, nil
}

const claimOneQuery = `UPDATE hook_calls SET owner = ?, lease_until = ?
	WHERE id = ? AND ` + free + ` AND next_attempt_at <= ? RETURNING ` + hookCallColumns

// ClaimHookCall leases one call; false when it is not due, or held.
func (s *Store) ClaimHookCall(
	ctx context.Context, lease host.Lease, now time.Time, id string,
) (host.HookCall, bool, error) {
	if ctx.Err() != nil {
		return host.HookCall{}, false, ctx.Err()
	}
	var calls []host.HookCall
	err := s.writer.write(context.WithoutCancel(ctx), &op{do: func(t *tx) (err error) {
		calls, err = queryTx(t, scanHookCall, claimOneQuery, lease.Owner, row.Nanos(lease.Until), id, row.Nanos(now))
		t.changed(int64(len(calls)))
		return err
	}})
	if err != nil {
		return host.HookCall{}, false, fmt.Errorf("claim hook call: %w", err)
	}
	if len(calls) == 0 {
		return host.HookCall{}, false, nil
	}
	return calls[0], true, nil
}

const (
	backlogCallsQuery = `SELECT status, count(*) FROM hook_calls
		WHERE status IN ('queued', 'running') GROUP BY status
		UNION ALL SELECT 'dead', count(*) FROM hook_calls
		WHERE status = 'dead' AND ` + listedStatus
	backlogRunsQuery = `SELECT status, count(*) FROM runs
		WHERE status IN ('PENDING', 'RUNNING') AND background GROUP BY status`
)

// Backlog counts the background work.
func (s *Store) Backlog(ctx context.Context) (host.Backlog, error) {
	var b host.Backlog
	scan := row.BacklogScan(&b)
	for _, query := range []string{backlogCallsQuery, backlogRunsQuery} {
		if _, err := all(ctx, s.read, scan, query); err != nil {
			return host.Backlog{}, fmt.Errorf("count background work: %w", err)
		}
	}
	due, err := s.DueHookCalls(ctx)
	b.Due = row.Earliest(due)
	return b, err
}
