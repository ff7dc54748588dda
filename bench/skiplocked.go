package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// skipLocked is the plain queue of PostgreSQL: each worker claims a job in one
// transaction and finishes it in another.
type skipLocked struct{ pool *pgxpool.Pool }

func openSkipLocked(ctx context.Context, url string, jobs int) (openQueue, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := insertPlainJobs(ctx, pool, jobs); err != nil {
		pool.Close()
		return nil, err
	}
	return &skipLocked{pool}, nil
}

func insertPlainJobs(ctx context.Context, pool *pgxpool.Pool, jobs int) error {
	_, call, err := storedDocuments()
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `
		CREATE TABLE jobs (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state TEXT, doc BYTEA);
		CREATE INDEX jobs_available ON jobs (id) WHERE state = 'available'`); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, `INSERT INTO jobs (state, doc) SELECT 'available', $2 FROM generate_series(1, $1)`, jobs, call)
	return err
}

func (q *skipLocked) work(ctx context.Context) error {
	var workers errgroup.Group
	for range queueWorkers {
		workers.Go(func() error {
			for {
				if more, err := q.next(ctx); err != nil || !more {
					return err
				}
			}
		})
	}
	return workers.Wait()
}

// next carries out a job, if there is one.
func (q *skipLocked) next(ctx context.Context) (bool, error) {
	const claim = `UPDATE jobs SET state = 'running' WHERE id = (SELECT id FROM jobs WHERE state = 'available'
		ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, doc`
	var id int64
	var doc []byte
	err := q.pool.QueryRow(ctx, claim).Scan(&id, &doc)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		_, err = q.pool.Exec(ctx, `UPDATE jobs SET state = 'completed' WHERE id = $1`, id)
	}
	return true, err
}

func (*skipLocked) start(context.Context) (time.Duration, error) { return 0, errNotTold }

func (q *skipLocked) close() error {
	q.pool.Close()
	return nil
}
