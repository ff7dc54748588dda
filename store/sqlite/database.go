package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/snaphook-dev/snaphook/store/row"
)

// Both kinds of connection wait for other processes, such as a backup.
const busyTimeout = 5 * time.Second

// database is the connections to one file: one that writes, several that read.
type database struct {
	pool  *sql.DB // of the one connection in write
	write *sql.Conn
	read  *sql.DB
}

// openDatabase opens the file and brings its schema up to date.
func openDatabase(ctx context.Context, path string, now func() time.Time) (*database, error) {
	db, err := connect(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err := db.prepare(ctx, path, now); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return db, nil
}

func connect(ctx context.Context, path string) (*database, error) {
	pool, err := sql.Open("sqlite", dataSource(path, "_txlock=immediate",
		"_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)",  // an acknowledged write survives a power failure
		"_pragma=secure_delete(ON)",  // what is deleted leaves the file
		"_pragma=temp_store(MEMORY)", // and never reaches another one
		"_pragma=cache_size(-10240)", // KiB: the upper pages of every index stay in memory
		"_pragma=wal_autocheckpoint(1000)"))
	if err != nil {
		return nil, err
	}
	write, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	read, err := sql.Open("sqlite", dataSource(path, "mode=ro", "_query_only=1"))
	if err != nil {
		return nil, errors.Join(err, write.Close(), pool.Close())
	}
	connections := min(max(runtime.GOMAXPROCS(0), 4), 8)
	read.SetMaxOpenConns(connections)
	read.SetMaxIdleConns(connections)
	return &database{pool: pool, write: write, read: read}, nil
}

// prepare checks the file and migrates it.
func (d *database) prepare(ctx context.Context, path string, now func() time.Time) error {
	var mode string
	if err := d.write.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if mode != "wal" {
		return fmt.Errorf("%s: its file system has no write-ahead log (journal mode %s)", path, mode)
	}
	if err := migrate(ctx, d.write, now()); err != nil {
		return fmt.Errorf("migrate %s: %w", path, err)
	}
	return nil
}

// close closes the writing connection last, which empties the write-ahead log.
func (d *database) close() error {
	return errors.Join(d.read.Close(), d.write.Close(), d.pool.Close())
}

// dataSource makes the driver's name for the file at the absolute path.
func dataSource(path string, params ...string) string {
	params = append([]string{fmt.Sprintf("_pragma=busy_timeout(%d)", busyTimeout.Milliseconds())}, params...)
	u := url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(params, "&")}
	return u.String()
}

// statements prepares each query once. It is safe for concurrent use when its
// connection is.
type statements struct {
	conn interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu      sync.Mutex
	byQuery map[string]*sql.Stmt
}

func newStatements(conn interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}) *statements {
	return &statements{conn: conn, byQuery: map[string]*sql.Stmt{}}
}

// get returns the statement of a query, which must be a constant.
func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt, ok := s.byQuery[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.byQuery[query] = stmt
	return stmt, nil
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.byQuery {
		errs = append(errs, stmt.Close())
	}
	clear(s.byQuery)
	return errors.Join(errs...)
}

// all returns every row of a query's result.
func all[T any](
	ctx context.Context, s *statements, scan func(row.Scanner) (T, error), query string, args ...any,
) ([]T, error) {
	stmt, err := s.get(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, rows.Err()
}

// one returns the only row of a query's result, or sql.ErrNoRows.
func one[T any](
	ctx context.Context, s *statements, scan func(row.Scanner) (T, error), query string, args ...any,
) (T, error) {
	stmt, err := s.get(ctx, query)
	if err != nil {
		var none T
		return none, err
	}
	return scan(stmt.QueryRowContext(ctx, args...))
}
