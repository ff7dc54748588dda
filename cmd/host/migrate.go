package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// migrateCommand is `snaphook migrate`.
type migrateCommand struct {
	ConfigFile string        `name:"config" required:"" env:"SNAPHOOK_CONFIG" placeholder:"FILE" help:"The configuration, host.yaml."`
	Flags      overrideFlags `embed:""`
}

// Run brings the store's schema up to date and says what it was. A host that
// starts does the same.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	cfg, err := c.Flags.load(c.ConfigFile)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if cfg.Store.Postgres == "" {
		store, err := sqlite.Open(ctx, sqlite.Config{Path: cfg.Store.SQLite, Log: log})
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if err := store.Close(); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		printf(s.Out, "%s is up to date\n", cfg.Store)
		return nil
	}
	before, err := postgres.Migrate(ctx, cfg.Store.Postgres)
	if err != nil {
		return err
	}
	jobs, err := migrateJobs(ctx, cfg.Store.Postgres, log)
	if err != nil {
		return err
	}
	jobs.Close()
	printf(s.Out, "%s is up to date: schema version %d, was %d\n", cfg.Store, before.Latest, before.Version)
	return nil
}
