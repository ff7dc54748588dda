package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/store/row"
)

// migrationFiles are append-only: a file that was released never changes.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate applies the steps the database does not have, one transaction each.
func migrate(ctx context.Context, conn *sql.Conn, now time.Time) error {
	steps, err := row.Migrations(migrationFiles)
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
		if err := apply(ctx, conn, step, now); err != nil {
			return fmt.Errorf("apply %s: %w", step.Name, err)
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

func apply(ctx context.Context, conn *sql.Conn, step row.Migration, now time.Time) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if _, err := tx.ExecContext(ctx, step.SQL); err != nil {
		return err
	}
	const record = "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)"
	if _, err := tx.ExecContext(ctx, record, step.Version, step.Name, now.UnixNano()); err != nil {
		return err
	}
	return tx.Commit()
}
