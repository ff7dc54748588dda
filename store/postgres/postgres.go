package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
)

// Insert hands due work to whoever moves it between nodes, in the transaction that
// makes it due.
type Insert func(ctx context.Context, tx pgx.Tx, jobs []host.Job) error

// Config says where the store is.
type Config struct {
	// URL is the database as libpq takes it: a postgres:// URL or key=value pairs,
	// also pool_max_conns (20 when it is missing). The database exists and is
	// encoded in UTF8. It must be reached without a pooler that shares connections
	// between clients: locks, signals and settings belong to a connection.
	URL string
	// Insert is told of due work; nil has SignalWork tell of it.
	Insert Insert
	// NoMigrate leaves the schema as it is; Open fails when it is not up to date.
	NoMigrate bool
	// Log gets the faults of writes nobody waits for; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is a host.Store in a PostgreSQL database. It is safe for concurrent use.
//
// A database that cannot be reached is CodeUnavailable; the next call tries anew. A
// write that failed so, or whose context ended, may still have been committed.
type Store struct {
	now     func() time.Time
	log     *slog.Logger
	insert  Insert
	pool    *pgxpool.Pool
	pending *pendingRuns
	writer  *writer
	// claimer leases single hook calls, finisher stores their ends, jury finds out
	// which nodes are dead.
	claimer  *claimer
	finisher *finisher
	jury     *jury
	doubts   doubts

	closing sync.Once
}

var _ host.Store = (*Store)(nil)

// Open connects to the database, brings its schema up to date, after waiting for a
// node that is doing so, and starts the writer, which Close waits for. It fails when
// the schema is newer than this program.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	pool, err := connect(ctx, cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := prepare(ctx, pool, cfg.NoMigrate); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	pending := newPendingRuns()
	s := &Store{
		now: cfg.Now, log: cfg.Log, insert: cfg.Insert, pool: pool,
		pending: pending, writer: newWriter(pool, pending, cfg.Log), jury: newJury(),
		claimer: newClaimer(pool), finisher: newFinisher(pool),
	}
	go s.writer.run()
	return s, nil
}

// prepare checks the database and migrates it, if it may.
func prepare(ctx context.Context, pool *pgxpool.Pool, noMigrate bool) error {
	if err := checkEncoding(ctx, pool); err != nil {
		return err
	}
	if !noMigrate {
		_, err := migrate(ctx, pool)
		return err
	}
	schema, err := readSchema(ctx, pool)
	if err == nil && schema.Version < schema.Latest {
		err = errors.New("the database has " + schema.String() + ": run `snaphook migrate`")
	}
	return err
}

// checkEncoding refuses a database that does not take every text.
func checkEncoding(ctx context.Context, pool *pgxpool.Pool) error {
	var encoding string
	if err := pool.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return explained(err)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database is encoded in %s; it must be UTF8", encoding)
	}
	return nil
}

// Close writes what was handed in and ends all connections. Writes after it fail
// with CodeUnavailable. Closing again does nothing.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.claimer.stop()
		s.finisher.stop()
		s.writer.stop()
		s.pool.Close()
	})
	return nil
}
