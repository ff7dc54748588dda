package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// migrationFiles are append-only: a file that was released never changes.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one numbered step of the schema.
type migration struct {
	version int
	name    string
	sql     string
}

// migrations returns the steps in order. Numbers start at 1 without gaps.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]migration, len(names))
	for i, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".sql")
		number, _, _ := strings.Cut(base, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("%s is not number %d", name, i+1)
		}
		steps[i] = migration{version: version, name: base, sql: string(text)}
	}
	return steps, nil
}

// migrate applies the steps the database does not have, one transaction each.
func migrate(ctx context.Context, conn *sql.Conn, now time.Time) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	at, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if at > len(steps) {
		return fmt.Errorf("the database has schema version %d and this program knows %d: use a newer program", at, len(steps))
	}
	for _, step := range steps[at:] {
		if err := step.apply(ctx, conn, now); err != nil {
			return fmt.Errorf("apply %s: %w", step.name, err)
		}
	}
	return nil
}

// schemaVersion returns the last step the database has, 0 for a new one.
func schemaVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	const create = `CREATE TABLE IF NOT EXISTS schema_migrations (
		version    INTEGER PRIMARY KEY,
		name       TEXT NOT NULL,
		applied_at INTEGER NOT NULL
	) STRICT`
	if _, err := conn.ExecContext(ctx, create); err != nil {
		return 0, err
	}
	var version int
	err := conn.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM schema_migrations").Scan(&version)
	return version, err
}

func (m migration) apply(ctx context.Context, conn *sql.Conn, now time.Time) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if _, err := tx.ExecContext(ctx, m.sql); err != nil {
		return err
	}
	const record = "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)"
	if _, err := tx.ExecContext(ctx, record, m.version, m.name, now.UnixNano()); err != nil {
		return err
	}
	return tx.Commit()
}
