package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/store/row"
)

// migrationFiles are append-only: a file that was released never changes.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// Schema is how far the schema of a database has come.
type Schema struct {
	// Version is that of the database, 0 for an empty one; Latest the one this
	// program knows.
	Version int
	Latest  int
}

// String says both.
func (s Schema) String() string {
	return fmt.Sprintf("schema version %d and this program knows %d", s.Version, s.Latest)
}

// Migrate brings the schema of a database up to date, all of it or nothing, and
// returns what it was before. Processes that do so at once wait for each other. It
// fails when the schema is newer than this program.
func Migrate(ctx context.Context, url string) (before Schema, err error) {
	pool, err := connect(ctx, url)
	if err != nil {
		return Schema{}, fmt.Errorf("migrate: %w", err)
	}
	defer pool.Close()
	if err := checkEncoding(ctx, pool); err != nil {
		return Schema{}, fmt.Errorf("migrate: %w", err)
	}
	if before, err = migrate(ctx, pool); err != nil {
		return before, fmt.Errorf("migrate: %w", err)
	}
	return before, nil
}

// ReadSchema says how far the schema of a database has come.
func ReadSchema(ctx context.Context, url string) (Schema, error) {
	pool, err := connect(ctx, url)
	if err != nil {
		return Schema{}, fmt.Errorf("read schema: %w", err)
	}
	defer pool.Close()
	schema, err := readSchema(ctx, pool)
	if err != nil {
		return schema, fmt.Errorf("read schema: %w", err)
	}
	return schema, nil
}

// migrate applies the steps the database does not have, in one transaction that
// holds the lock of migrations.
func migrate(ctx context.Context, pool *pgxpool.Pool) (Schema, error) {
	steps, err := row.Migrations(migrationFiles)
	if err != nil {
		return Schema{}, err
	}
	var before Schema
	err = pgx.BeginFunc(ctx, pool, func(t pgx.Tx) error {
		if _, err := t.Exec(ctx, lockQuery, []int64{migrationLock.key()}); err != nil {
			return err
		}
		if before, err = readSchema(ctx, t); err != nil {
			return err
		}
		for _, step := range steps[before.Version:] {
			if err := apply(ctx, t, step); err != nil {
				return fmt.Errorf("apply %s: %w", step.Name, err)
			}
		}
		return nil
	})
	return before, explained(err)
}

// readSchema fails when the database is ahead of this program.
func readSchema(ctx context.Context, q querier) (Schema, error) {
	steps, err := row.Migrations(migrationFiles)
	if err != nil {
		return Schema{}, err
	}
	schema := Schema{Latest: len(steps)}
	exists, err := one(ctx, q, row.Value[bool], `SELECT to_regclass('schema_migrations') IS NOT NULL`)
	if err == nil && exists {
		schema.Version, err = one(ctx, q, row.Value[int], `SELECT coalesce(max(version), 0) FROM schema_migrations`)
	}
	if err == nil && schema.Version > schema.Latest {
		err = errors.New("the database has " + schema.String() + ": use a newer program")
	}
	return schema, explained(err)
}

func apply(ctx context.Context, t pgx.Tx, step row.Migration) error {
	const (
		create = `CREATE TABLE IF NOT EXISTS schema_migrations (
			version    INTEGER PRIMARY KEY,
			name       TEXT NOT NULL,
			applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
		)`
		record = `INSERT INTO schema_migrations (version, name) VALUES ($1, $2)`
	)
	for _, statement := range []string{create, step.SQL} {
		if _, err := t.Exec(ctx, statement); err != nil {
			return err
		}
	}
	_, err := t.Exec(ctx, record, step.Version, step.Name)
	return err
}
