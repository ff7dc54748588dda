package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/river"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// openStore opens what the configuration names, and brings its schema up to date.
func (h *parts) openStore(ctx context.Context) error {
	if h.cfg.Store.Postgres != "" {
		return h.openPostgres(ctx)
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: h.cfg.Store.SQLite, Log: h.log})
	if err != nil {
		return err
	}
	h.keep(store)
	return nil
}

// openPostgres opens the database with the tables of River, which has connections
// of its own.
func (h *parts) openPostgres(ctx context.Context) error {
	jobs, err := migrateJobs(ctx, h.cfg.Store.Postgres, h.log)
	if err != nil {
		return err
	}
	h.jobs = jobs
	h.closers = append(h.closers, func(context.Context) error { jobs.Close(); return nil })
	inserter, err := river.NewInserter(h.log)
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Config{URL: h.cfg.Store.Postgres, Insert: inserter.Insert, Log: h.log})
	if err != nil {
		return err
	}
	h.keep(store)
	return nil
}

// keep makes an open store the host's.
func (h *parts) keep(store host.Store) {
	h.store = store
	h.closers = append(h.closers, func(context.Context) error { return store.Close() })
}

// jobConnections are enough for River: one listens, the others fetch and finish
// jobs.
const jobConnections = 8

// migrateJobs connects to the database and brings River's tables up to date.
func migrateJobs(ctx context.Context, url string, log *slog.Logger) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's URL: %w", err)
	}
	cfg.MaxConns = jobConnections
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if err := river.Migrate(ctx, pool, log); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}
