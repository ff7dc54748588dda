package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// CreateRun stores who runs what. It drops everything a hook has to permit
// first: the input, the content, the messages, the metadata, the state.
func (s *Store) CreateRun(ctx context.Context, n host.NewRun) error {
	var err error
	n.Run, err = row.Created(n.Run)
	switch {
	case err != nil:
	case n.Wait || n.Run.Background || n.IdempotencyKey != "":
		err = s.create(ctx, n)
	default:
		err = s.writer.createLazily(n)
	}
	if err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	return nil
}

// create stores a run and what belongs to its beginning.
func (s *Store) create(ctx context.Context, n host.NewRun) error {
	c, err := newCreation(n)
	if err != nil {
		return err
	}
	err = s.write(ctx, c.write)
	if err == nil && c.cancelled && n.Cancelled != nil {
		n.Cancelled()
	}
	return err
}

// creation is a host.NewRun as it is stored.
type creation struct {
	row       runRow
	key       string // the client's name for it, "" for none
	request   []byte // nil for none
	maxQueued int
	cancelled bool // a cancel came first
}

func newCreation(n host.NewRun) (*creation, error) {
	stored, err := newRunRow(&n.Run, n.Lease)
	if err != nil {
		return nil, err
	}
	c := &creation{row: stored, key: n.IdempotencyKey, maxQueued: n.MaxQueued}
	if n.Request != nil {
		if c.request, err = row.Encode(n.Request); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
	}
	return c, nil
}

func (c *creation) write(ctx context.Context, t *tx) error {
	run := c.row.run
	if err := t.lock(ctx, sessionLock(run.SessionID), runLock(run.ID)); err != nil {
		return err
	}
	if err := c.takeKey(ctx, t); err != nil {
		return err
	}
	if err := c.checkQueue(ctx, t); err != nil {
		return err
	}
	if err := c.insert(ctx, t); err != nil {
		return err
	}
	if run.Background {
		if err := c.open(ctx, t); err != nil {
			return err
		}
	}
	if run.Background && c.row.lease.Owner == "" {
		t.due(runJob(run.ID))
	}
	return nil
}

// insert adds the row and learns whether a cancel came before it.
func (c *creation) insert(ctx context.Context, t *tx) (err error) {
	var rows runColumnsOf
	rows.add(&c.row)
	c.cancelled, err = one(ctx, t, func(r row.Scanner) (cancelled bool, err error) {
		var id string
		err = r.Scan(&id, &cancelled)
		return cancelled, err
	}, insertRunsQuery+`, cancel_requested`, rows.args()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return row.RunExists(c.row.run.ID)
	}
	return err
}

// openRunQuery inserts what comes with a background run: what it was asked, and its
// session, so that it is known before the run ends.
const openRunQuery = `WITH opened AS (INSERT INTO sessions (id, component_kind, component_id, component_name, user_id,
			name, title, created_at, updated_at)
		SELECT $3, $4, $5, $6, $7, '', '', $8, $8 ON CONFLICT (id) DO NOTHING)
	INSERT INTO run_inputs (run_id, request) SELECT $1, $2 WHERE $2::bytea IS NOT NULL`

func (c *creation) open(ctx context.Context, t *tx) error {
	run := c.row.run
	_, err := t.Exec(ctx, openRunQuery, run.ID, c.request, run.SessionID, string(run.Component.Kind), run.Component.ID,
		run.Component.Name, run.UserID, row.Nanos(run.CreatedAt))
	return err
}

// takeKey refuses a run whose idempotency key another has. It waits for one that
// is taking the same key.
func (c *creation) takeKey(ctx context.Context, t *tx) error {
	if c.key == "" {
		return nil
	}
	const (
		take  = `INSERT INTO idempotency_keys (key, run_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
		first = `SELECT ` + row.RunColumns + ` FROM runs WHERE id = (SELECT run_id FROM idempotency_keys WHERE key = $1)`
	)
	n, err := t.exec(ctx, take, c.key, c.row.run.ID)
	if err != nil || n > 0 {
		return err
	}
	run, err := one(ctx, t, row.ScanRun, first, c.key)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // the run's id has another key
		return row.RunExists(c.row.run.ID)
	case err != nil:
		return err
	}
	return &host.DuplicateError{Run: run}
}

// nearlyFull is how close to its bound the queue is only entered one by one: more
// than can be entering at once.
const nearlyFull = 100

// checkQueue refuses a run for which there is no room.
func (c *creation) checkQueue(ctx context.Context, t *tx) error {
	if c.maxQueued == 0 {
		return nil
	}
	const query = `SELECT count(*) FROM (SELECT 1 FROM runs
		WHERE status = 'PENDING' AND status IN ('PENDING', 'RUNNING') AND background LIMIT $1) AS queued`
	queued, err := one(ctx, t, row.Value[int], query, c.maxQueued)
	if err != nil || queued+nearlyFull < c.maxQueued {
		return err
	}
	if err := t.lock(ctx, queueLock); err != nil {
		return err
	}
	queued, err = one(ctx, t, row.Value[int], query, c.maxQueued)
	if err == nil && queued >= c.maxQueued {
		return row.ErrQueueFull
	}
	return err
}
