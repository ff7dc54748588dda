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
	var gone host.Expired
	if err := s.forget(ctx); err != nil {
		return gone, fmt.Errorf("expire nodes: %w", err)
	}
	for _, step := range []struct {
		name   string
		before time.Time
		expire func(context.Context, time.Time) (int, error)
		count  *int
	}{
		{"runs", before.Runs, s.expireRuns, &gone.Runs},
		{"hook calls", before.HookCalls, s.expireHookCalls, &gone.HookCalls},
		{"logs", before.Logs, s.expireLogs, &gone.Logs},
		{"events", before.Events, s.expireEvents, new(int)},
	} {
		if step.before.IsZero() {
			continue
		}
		var err error
		if *step.count, err = step.expire(ctx, step.before); err != nil {
			return gone, fmt.Errorf("expire %s: %w", step.name, err)
		}
	}
	return gone, nil
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

// aged is a row on the way from the oldest to the youngest.
type aged struct {
	seq      int64
	id       string
	final    bool
	created  time.Time
	finished time.Time
}

// expireOld walks over the rows of a query, which takes a place and a limit and
// yields those behind it in their order, up to the first that was created after
// before. It hands the ids of what is over to drop, which says how many it took.
func (s *Store) expireOld(
	ctx context.Context, query string, scan func(row.Scanner) (aged, error), before time.Time, drop string,
) (int, error) {
	total, behind := 0, int64(0)
	for {
		rows, err := list(ctx, s, scan, query, behind, expireBatch)
		if err != nil {
			return total, err
		}
		ids, young := over(rows, before)
		if len(ids) > 0 {
			n, err := s.drop(ctx, drop, ids)
			total += n
			if err != nil {
				return total, err
			}
		}
		if young || len(rows) < expireBatch {
			return total, nil
		}
		behind = rows[len(rows)-1].seq
	}
}

// over returns the ids of the rows that ended before a time, up to the first
// that was created later, and whether there was one.
func over(rows []aged, before time.Time) (ids []string, young bool) {
	for _, r := range rows {
		if !r.created.Before(before) {
			return ids, true
		}
		if r.final && r.finished.Before(before) {
			ids = append(ids, r.id)
		}
	}
	return ids, false
}

// drop deletes rows in one transaction and returns how many it found.
func (s *Store) drop(ctx context.Context, query string, ids []string) (n int, err error) {
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		n, err = one(ctx, t, row.Value[int], query, ids)
		return err
	})
	return n, err
}
