package postgres_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

func TestNodesThatStartAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	failed := make(chan error, 5)
	for range cap(failed) {
		go func() {
			s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
			if err == nil {
				err = s.Close()
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	schema, err := postgres.ReadSchema(t.Context(), url)
	if err != nil || schema.Version != schema.Latest || schema.Latest == 0 {
		t.Errorf("schema %+v, %v", schema, err)
	}
}

func TestSchemaThatIsNotThere(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	_, err := postgres.Open(t.Context(), postgres.Config{URL: url, NoMigrate: true})
	if err == nil || !strings.Contains(err.Error(), "run `snaphook migrate`") {
		t.Errorf("opened an empty database: %v", err)
	}
	for _, want := range []int{0, 1} {
		before, err := postgres.Migrate(t.Context(), url)
		if err != nil || before.Version != want || before.Latest != 1 {
			t.Errorf("migrated from %+v, %v; want version %d", before, err, want)
		}
	}
	open(t, postgres.Config{URL: url, NoMigrate: true})
}

func TestSchemaOfANewerProgram(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	if _, err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	execute(t, url, `INSERT INTO schema_migrations (version, name) VALUES (99, 'later')`)
	for _, noMigrate := range []bool{false, true} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: url, NoMigrate: noMigrate})
		if err == nil || !strings.Contains(err.Error(), "schema version 99 and this program knows 1: use a newer program") {
			t.Errorf("opened the database of a newer program: %v", err)
		}
	}
	if _, err := postgres.Migrate(t.Context(), url); err == nil {
		t.Error("migrated the database of a newer program")
	}
}

func TestDatabaseThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	name := regexp.MustCompile(`test_\d+`)
	execute(t, url, `CREATE DATABASE narrow ENCODING 'SQL_ASCII' TEMPLATE template0`)
	for url, want := range map[string]string{
		name.ReplaceAllString(url, "narrow"): "encoded in SQL_ASCII; it must be UTF8",
		name.ReplaceAllString(url, "none"):   "does not exist",
		"postgres://user:secret@[":           "cannot parse",
	} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
		if _, err := postgres.Migrate(t.Context(), url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("migrate %s: %v, want %q", url, err, want)
		}
	}
	execute(t, url, `DROP DATABASE narrow WITH (FORCE)`)
}

// execute runs a statement beside the store.
func execute(t *testing.T, url, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}
