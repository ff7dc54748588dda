package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	connectTimeout = 5 * time.Second
	// statementTimeout bounds a transaction, so that a database that does not answer
	// keeps nobody for ever.
	statementTimeout = 30 * time.Second
	// connections is how many there are when the URL does not say.
	connections = 20
	// maxTries bounds how often a transaction is begun again that met another.
	maxTries = 4
)

// settings have each statement planned once, for tables that are large, however
// small they are then: they may grow faster than the server notices.
const settings = `SET plan_cache_mode = force_generic_plan; SET jit = off;
	SET enable_seqscan = off; SET enable_bitmapscan = off;
	SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off`

// connect opens the pool; its connections are made as they are needed.
func connect(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // which does not show the password
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = connections
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "snaphook"
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, settings)
		return err
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// bounded ends ctx when the database has not answered for too long.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, statementTimeout)
}

// tx is an open transaction.
type tx struct {
	pgx.Tx
	jobs    []host.Job
	signals []host.Signal
}

// due tells of work that nobody holds.
func (t *tx) due(jobs ...host.Job) { t.jobs = append(t.jobs, jobs...) }

// runJob is a run that is due now.
func runJob(id string) host.Job { return host.Job{Kind: host.JobRun, ID: id} }

// callJob is a call that nobody holds.
func callJob(call *host.HookCall) host.Job {
	return host.Job{Kind: host.JobHookCall, ID: call.ID, Plugin: call.Plugin, At: call.NextAttemptAt}
}

// tell has a signal sent after the commit.
func (t *tx) tell(kind host.SignalKind, id string) {
	t.signals = append(t.signals, host.Signal{Kind: kind, ID: id})
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int, error) {
	tag, err := t.Exec(ctx, query, args...)
	return int(tag.RowsAffected()), err
}

// write runs do in a transaction, after what was handed in before and nobody
// waited for. do is repeated when it met another transaction, so it must set what
// it returns anew.
func (s *Store) write(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	if err := s.writer.flush(ctx); err != nil {
		return err
	}
	return s.transact(ctx, do)
}

// transact is write without regard to what is still to be written.
func (s *Store) transact(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	for try := 1; ; try++ {
		err := s.try(ctx, do)
		if try == maxTries || !passing(err) {
			return explained(err)
		}
	}
}

func (s *Store) try(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	begun, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	t := &tx{Tx: begun}
	// Does nothing after a commit.
	defer func() { _ = t.Rollback(context.WithoutCancel(ctx)) }()
	if err := do(ctx, t); err != nil {
		return err
	}
	if err := s.pass(ctx, t); err != nil {
		return err
	}
	return t.Commit(ctx)
}

// pass hands on the work that is due, and has the signals sent.
func (s *Store) pass(ctx context.Context, t *tx) error {
	switch {
	case len(t.jobs) == 0:
	case s.insert == nil:
		t.tell(host.SignalWork, "")
	default:
		if err := s.insert(ctx, t.Tx, t.jobs); err != nil {
			return fmt.Errorf("hand on due work: %w", err)
		}
	}
	if len(t.signals) == 0 {
		return nil
	}
	_, err := t.Exec(ctx, `SELECT pg_notify('`+channel+`', payload) FROM unnest($1::text[]) AS payload`, payloads(t.signals))
	return err
}

// querier reads: the pool, or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// all returns every row of a query's result.
func all[T any](ctx context.Context, q querier, scan func(row.Scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows([]T(nil), rows, func(r pgx.CollectableRow) (T, error) { return scan(r) })
}

// one returns the only row of a query's result, or pgx.ErrNoRows.
func one[T any](ctx context.Context, q querier, scan func(row.Scanner) (T, error), query string, args ...any) (T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectOneRow(rows, func(r pgx.CollectableRow) (T, error) { return scan(r) })
}

// list and get are all and one outside of transactions.
func list[T any](ctx context.Context, s *Store, scan func(row.Scanner) (T, error), query string, args ...any) ([]T, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	items, err := all(ctx, s.pool, scan, query, args...)
	return items, explained(err)
}

func get[T any](ctx context.Context, s *Store, scan func(row.Scanner) (T, error), query string, args ...any) (T, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	item, err := one(ctx, s.pool, scan, query, args...)
	return item, explained(err)
}
