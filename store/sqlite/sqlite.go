package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// quietPeriod is how long nothing must have been written before the write-ahead
// log is emptied.
const quietPeriod = time.Second

// Config says where the store is.
type Config struct {
	// Path is the database file. It is created, readable by its owner only, when
	// it does not exist; its folder must exist.
	Path string
	// Log gets the faults of writes nobody waits for; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is a host.Store in one SQLite file. It is safe for concurrent use.
//
// A write that is waited for returns ctx.Err() when its context ends first, but
// may still be committed. A write that fails for lack of space, which is
// CodeUnavailable, or another fault of the disk, fails for everybody in its
// transaction; later writes are tried again.
type Store struct {
	now     func() time.Time
	lock    *os.File
	db      *database
	read    *statements
	writer  *writer
	pending *pendingRuns

	closing sync.Once
	closed  error
}

var _ host.Store = (*Store)(nil)

// Open opens the database of cfg.Path, brings its schema up to date and starts
// the writer, which Close waits for. It fails with ErrLocked when another
// process has the file open, and when the schema is newer than this program.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := open(ctx, cfg, quietPeriod)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, cfg Config, quiet time.Duration) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	path, err := createFile(cfg.Path)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, path, cfg.Now)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	last, err := lastPlace(ctx, db.read)
	if err != nil {
		return nil, errors.Join(err, db.close(), lock.Close())
	}
	memory, err := newMemory(ctx, db.read)
	if err != nil {
		return nil, errors.Join(err, db.close(), lock.Close())
	}
	s := &Store{
		now:     cfg.Now,
		lock:    lock,
		db:      db,
		read:    newStatements(db.read),
		writer:  newWriter(db.write, memory, cfg.Log, quiet),
		pending: newPendingRuns(last),
	}
	go s.writer.run()
	return s, nil
}

const lastPlaceQuery = `SELECT coalesce(max(place), 0) FROM runs WHERE status IN ('PENDING', 'RUNNING')`

// lastPlace is the last place in the order of creation that counts.
func lastPlace(ctx context.Context, db *sql.DB) (last int64, err error) {
	err = db.QueryRowContext(ctx, lastPlaceQuery).Scan(&last)
	return last, err
}

// Close writes what was handed in, waits for the writer and releases the file.
// Writes after it fail with CodeUnavailable. Closing again returns the same.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closed = errors.Join(s.writer.stop(), s.read.close(), s.db.close(), s.lock.Close())
	})
	if s.closed != nil {
		return fmt.Errorf("close store: %w", s.closed)
	}
	return nil
}
