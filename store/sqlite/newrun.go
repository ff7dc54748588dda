package sqlite

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// CreateRun stores who runs what. It drops everything a hook has to permit
// first: the input, the content, the messages, the metadata, the state.
func (s *Store) CreateRun(ctx context.Context, n host.NewRun) error {
	create := s.createLazily
	if n.Wait || n.Run.Background || n.IdempotencyKey != "" {
		create = s.create
	}
	var err error
	if n.Run, err = row.Created(n.Run); err == nil {
		err = create(ctx, n)
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
	c.row.place, _ = s.pending.add(n.Run, false)
	err = s.writer.write(ctx, &op{do: c.write, settled: func(error) { s.pending.remove(c.row.place) }})
	if err == nil && c.cancelled && n.Cancelled != nil {
		n.Cancelled()
	}
	return err
}

// createLazily makes the run readable and puts its row into the next
// transaction.
func (s *Store) createLazily(_ context.Context, n host.NewRun) error {
	place, ok := s.pending.add(n.Run, true)
	if !ok {
		s.writer.log.Warn("write refused", "row", runKey(n.Run.ID), "err", "a run with this id is under way")
		return nil
	}
	o := &op{key: runKey(n.Run.ID), settled: func(error) { s.pending.remove(place) }}
	o.do = func(t *tx) error {
		c, err := newCreation(n) // here, since it is seldom needed
		if err != nil {
			return err
		}
		c.row.place = place
		return c.write(t)
	}
	return s.writer.writeLazily(o)
}

// creation is a host.NewRun as it is stored.
type creation struct {
	row       runRow
	request   string // JSON, "" for none
	maxQueued int
	cancelled bool // a cancel came first
}

func newCreation(n host.NewRun) (*creation, error) {
	stored, err := newRunRow(&n.Run, n.Lease)
	if err != nil {
		return nil, err
	}
	c := &creation{row: stored, maxQueued: n.MaxQueued}
	if n.IdempotencyKey != "" {
		c.row.idempotencyKey = n.IdempotencyKey
	}
	if n.Request != nil {
		if c.request, err = encode(n.Request); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
	}
	return c, nil
}

func (c *creation) write(t *tx) error {
	if err := c.checkKey(t); err != nil {
		return err
	}
	if err := c.checkQueue(t); err != nil {
		return err
	}
	if err := c.row.insert(t); err != nil {
		return err
	}
	var err error
	if c.cancelled, err = cancelKept(t, c.row.run.ID); err != nil {
		return err
	}
	if err := c.openSession(t); err != nil || c.request == "" {
		return err
	}
	_, err = t.exec(`INSERT INTO run_inputs (run_id, request) VALUES (?, ?)`, c.row.run.ID, c.request)
	return err
}

// openSession inserts the session of a background run, so that it is known before
// the run ends.
func (c *creation) openSession(t *tx) error {
	run := c.row.run
	if !run.Background {
		return nil
	}
	_, err := t.exec(insertSession+` ON CONFLICT (id) DO NOTHING`, sessionValues(&host.Session{
		ID: run.SessionID, Component: run.Component, UserID: run.UserID, CreatedAt: run.CreatedAt, UpdatedAt: run.CreatedAt,
	})...)
	return err
}

// checkKey refuses a run whose idempotency key another has.
func (c *creation) checkKey(t *tx) error {
	if c.row.idempotencyKey == nil {
		return nil
	}
	first, err := queryTx(t, row.ScanRun, keyQuery, c.row.idempotencyKey)
	if err == nil && len(first) > 0 {
		return &host.DuplicateError{Run: first[0]}
	}
	return err
}

// checkQueue refuses a run for which there is no room.
func (c *creation) checkQueue(t *tx) error {
	if c.maxQueued == 0 {
		return nil
	}
	queued, err := queryTx(t, row.Value[int], queuedQuery)
	if err == nil && queued[0] >= c.maxQueued {
		return row.ErrQueueFull
	}
	return err
}

const (
	keyQuery    = `SELECT ` + row.RunColumns + ` FROM runs WHERE idempotency_key = ?`
	queuedQuery = `SELECT count(*) FROM runs WHERE status = 'PENDING' AND status IN ('PENDING', 'RUNNING') AND background`
)
