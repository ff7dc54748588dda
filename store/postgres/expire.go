package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// expireBatch bounds the rows one transaction deletes, and so how long it keeps
// others from writing them.
const expireBatch = 100

// Expire deletes what ended before the given times, batch by batch.
func (s *Store) Expire(ctx context.Context, before host.Retention) (host.Expired, error) {
	if err := s.forget(ctx); err != nil {
		return host.Expired{}, fmt.Errorf("expire nodes: %w", err)
	}
	return row.Expiry{
		Runs: s.expireRuns, HookCalls: s.expireHookCalls, Logs: s.expireLogs, Events: s.expireEvents,
	}.Expire(ctx, before)
}

// forget deletes nodes that are long dead and hold nothing.
func (s *Store) forget(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		const query = `DELETE FROM nodes AS n WHERE expires_at < clock_timestamp() - interval '1 hour'
			AND NOT EXISTS (SELECT FROM runs WHERE owner = n.id AND ` + unfinishedRun + `)
			AND NOT EXISTS (SELECT FROM hook_calls WHERE owner = n.id AND ` + unfinalCall + `)`
		_, err := t.Exec(ctx, query)
		return err
	})
}

// expireOld deletes what is over among the rows of a query, which takes a place and
// a limit and yields those behind it in their order.
func (s *Store) expireOld(
	ctx context.Context, query string, scan func(row.Scanner) (row.Aged, error), before time.Time, drop string,
) (int, error) {
	return row.DropOld(before, expireBatch, func(behind int64) ([]row.Aged, error) {
		return list(ctx, s, scan, query, behind, expireBatch)
	}, func(ids []string) (int, error) { return s.drop(ctx, drop, ids) })
}

// drop deletes rows in one transaction and returns how many it found.
func (s *Store) drop(ctx context.Context, query string, ids []string) (n int, err error) {
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		n, err = one(ctx, t, row.Value[int], query, ids)
		return err
	})
	return n, err
}
