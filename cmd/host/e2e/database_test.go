package e2e

import (
	"database/sql"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // reads PostgreSQL beside the hosts
	_ "modernc.org/sqlite"             // reads the file beside the host

	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// eachStore runs a test on a file of SQLite and on a database of PostgreSQL,
// whose URL it is given.
func eachStore(t *testing.T, test func(t *testing.T, store string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, postgrestest.Database(t))
	})
}

// database is a store that is read past the hosts.
type database struct{ *sql.DB }

// database opens the site's store for reading; it is closed with the test.
func (s *site) database(t testing.TB) database {
	t.Helper()
	if s.store == "" {
		return openDatabase(t, s.dir)
	}
	return connect(t, "pgx", s.store)
}

// openDatabase opens the file in a directory.
func openDatabase(t testing.TB, dir string) database {
	t.Helper()
	return connect(t, "sqlite", "file:"+filepath.Join(dir, "snaphook.db")+"?mode=ro&_pragma=busy_timeout(10000)")
}

func connect(t testing.TB, driver, name string) database {
	t.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(0) // the store is the hosts' again after every query
	t.Cleanup(func() { _ = db.Close() })
	return database{db}
}

// number is the result of a query that counts.
func (db database) number(t testing.TB, query string) int {
	t.Helper()
	var n float64
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return int(n)
}

// all reads every row a query finds.
func all[T any](t testing.TB, db database, query string, read func(scan func(...any) error) (T, error)) []T {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		row, err := read(rows.Scan)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		found = append(found, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return found
}

// texts are the values of a column.
func (db database) texts(t testing.TB, query string) []string {
	t.Helper()
	return all(t, db, query, func(scan func(...any) error) (string, error) {
		var text string
		err := scan(&text)
		return text, err
	})
}

// holds reports whether a row of PostgreSQL holds the text, as text or as bytes.
func (db database) holds(t testing.TB, text string) bool {
	t.Helper()
	bytes := hex.EncodeToString([]byte(text))
	for _, table := range db.texts(t, `SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()`) {
		for _, row := range db.texts(t, `SELECT t::text FROM `+table+` AS t`) {
			if strings.Contains(row, text) || strings.Contains(row, bytes) {
				return true
			}
		}
	}
	return false
}
