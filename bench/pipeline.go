package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
)

// pipeline is the limit on PostgreSQL: a transaction of three prepared inserts in
// one round trip, into tables with no other indexes, of documents that are encoded
// already and as large as the store's. Nobody is notified.
type pipeline struct {
	pool            *pgxpool.Pool
	runDoc, callDoc []byte
}

func openPipeline(ctx context.Context, url string) (*pipeline, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	p := &pipeline{pool: pool}
	p.runDoc, p.callDoc, err = storedDocuments()
	if err == nil {
		_, err = pool.Exec(ctx, `
			CREATE TABLE runs (id TEXT PRIMARY KEY, session_id TEXT, status TEXT, doc BYTEA);
			CREATE TABLE hook_calls (id TEXT PRIMARY KEY, run_id TEXT, status TEXT, doc BYTEA)`)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return p, nil
}

// finish stores one run with two calls.
func (p *pipeline) finish(ctx context.Context) error {
	id := host.NewID()
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO runs VALUES ($1, $2, $3, $4)`, id, id, "COMPLETED", p.runDoc)
	for range 2 {
		b.Queue(`INSERT INTO hook_calls VALUES ($1, $2, $3, $4)`, host.NewID(), id, "queued", p.callDoc)
	}
	return p.pool.SendBatch(ctx, b).Close()
}

// pipelineRate is how many of its transactions so many clients make in a second.
func (m *measurement) pipelineRate(ctx context.Context, url string, clients int) (float64, error) {
	p, err := openPipeline(ctx, url)
	if err != nil {
		return 0, err
	}
	defer p.pool.Close()
	_, err = repeat(ctx, clients, settle, p.finish) // to connect and prepare
	begin := time.Now()
	n, again := repeat(ctx, clients, m.span/3, p.finish)
	return perSecond(n, begin), errors.Join(err, again)
}
