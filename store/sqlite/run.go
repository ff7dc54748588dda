package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// CreateRun stores who runs what. It drops everything a hook has to permit
// first: the input, the content, the messages, the metadata, the state.
func (s *Store) CreateRun(ctx context.Context, n host.NewRun) error {
	create := s.createLazily
	if n.Wait {
		create = s.create
	}
	if err := create(ctx, created(n.Run), n.Lease); err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	return nil
}

// created returns what may be stored of a run whose hooks have not answered.
func created(run host.Run) host.Run {
	return host.Run{
		ID:            run.ID,
		SessionID:     run.SessionID,
		ParentID:      run.ParentID,
		RootID:        run.RootID,
		UserID:        run.UserID,
		Component:     run.Component,
		Status:        run.Status,
		Background:    run.Background,
		Attempt:       run.Attempt,
		Model:         run.Model,
		ModelProvider: run.ModelProvider,
		CreatedAt:     run.CreatedAt,
	}
}

func (s *Store) create(ctx context.Context, run host.Run, lease host.Lease) error {
	row, err := newRunRow(run, lease)
	if err != nil {
		return err
	}
	return s.writer.write(ctx, &op{do: row.insert})
}

// createLazily makes the run readable and puts its row into the next
// transaction.
func (s *Store) createLazily(_ context.Context, run host.Run, lease host.Lease) error {
	if !s.pending.add(run) {
		s.writer.log.Warn("write refused", "row", runKey(run.ID), "err", "a run with this id is under way")
		return nil
	}
	o := &op{key: runKey(run.ID), written: func() { s.pending.remove(run.ID) }}
	o.do = func(t *tx) error {
		row, err := newRunRow(run, lease) // here, since it is seldom needed
		if err != nil {
			return err
		}
		return row.insert(t)
	}
	if err := s.writer.writeLazily(o); err != nil {
		s.pending.remove(run.ID)
		return err
	}
	return nil
}

// StartRun turns a PENDING run into RUNNING; it is not waited for.
func (s *Store) StartRun(_ context.Context, id string, attempt int) error {
	const query = `UPDATE runs SET status = 'RUNNING' WHERE id = ? AND attempt = ? AND status = 'PENDING'`
	err := s.writer.writeLazily(&op{do: func(t *tx) error {
		_, err := t.exec(query, id, attempt)
		return err
	}})
	if err != nil {
		return fmt.Errorf("start run: %w", err)
	}
	return nil
}

// Run returns a run, whatever its state.
func (s *Store) Run(ctx context.Context, id string) (host.Run, error) {
	if run, ok := s.pending.get(id); ok {
		return run, nil
	}
	const query = `SELECT ` + runColumns + ` FROM runs WHERE id = ?`
	run, err := one(ctx, s.read, scanRun, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		return host.Run{}, host.Errorf(host.CodeNotFound, "run %q not found", id)
	}
	if err != nil {
		return host.Run{}, fmt.Errorf("read run: %w", err)
	}
	return run, nil
}

const historyQuery = `SELECT ` + runColumns + ` FROM runs
	WHERE session_id = ? AND turn IS NOT NULL AND status = 'COMPLETED' ORDER BY turn DESC LIMIT ?`

// History returns the last n COMPLETED top-level runs of a session, oldest
// first.
func (s *Store) History(ctx context.Context, sessionID string, n int) ([]host.Run, error) {
	if n <= 0 {
		return nil, nil
	}
	runs, err := all(ctx, s.read, scanRun, historyQuery, sessionID, n)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	slices.Reverse(runs)
	return runs, nil
}

// runKey names a run's row to the writer.
func runKey(id string) string { return "run " + id }

// runRow is a run as it is stored.
type runRow struct {
	id, sessionID, parentID string
	background              bool
	status                  host.RunStatus
	attempt                 int
	lease                   host.Lease
	createdAt               int64
	doc                     string
}

func newRunRow(run host.Run, lease host.Lease) (runRow, error) {
	doc, err := encode(run)
	if err != nil {
		return runRow{}, fmt.Errorf("encode run: %w", err)
	}
	return runRow{
		id: run.ID, sessionID: run.SessionID, parentID: run.ParentID,
		background: run.Background, status: run.Status, attempt: run.Attempt,
		lease: lease, createdAt: nanos(run.CreatedAt), doc: doc,
	}, nil
}

// counted reports whether the run takes the next turn of its session.
func (r runRow) counted() bool { return r.parentID == "" && r.status.Final() }

// insert adds the row; an id that exists is a conflict.
func (r runRow) insert(t *tx) error {
	const query = `INSERT INTO runs (session_id, id, parent_id, background, status, attempt,
			owner, lease_until, created_at, doc, turn)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, CASE WHEN ?11 THEN ` + lastTurn + ` + 1 END)
		ON CONFLICT (id) DO NOTHING`
	n, err := t.exec(query, r.sessionID, r.id, r.parentID, r.background, r.status, r.attempt,
		r.lease.Owner, nanos(r.lease.Until), r.createdAt, r.doc, r.counted())
	if err == nil && n == 0 {
		return host.Errorf(host.CodeConflict, "run %q exists already", r.id)
	}
	return err
}

// finish replaces the row of a run that is not final and belongs to r's
// attempt, and frees it.
func (r runRow) finish(t *tx) error {
	const query = `UPDATE runs SET status = ?2, owner = '', lease_until = 0, doc = ?3,
			turn = CASE WHEN ?4 THEN ` + lastTurn + ` + 1 END
		WHERE id = ?5 AND attempt = ?6 AND status NOT IN ('COMPLETED', 'CANCELLED', 'ERROR')`
	n, err := t.exec(query, r.sessionID, r.status, r.doc, r.counted(), r.id, r.attempt)
	if err != nil || n > 0 {
		return err
	}
	found, err := queryTx(t, value[int], `SELECT 1 FROM runs WHERE id = ?`, r.id)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return host.Errorf(host.CodeNotFound, "run %q not found", r.id)
	}
	return host.ErrStale
}

const runColumns = `status, attempt, doc`

func scanRun(row scanner) (host.Run, error) {
	var (
		run     host.Run
		status  host.RunStatus
		attempt int
		doc     []byte
	)
	if err := row.Scan(&status, &attempt, &doc); err != nil {
		return run, err
	}
	if err := json.Unmarshal(doc, &run); err != nil {
		return run, fmt.Errorf("decode run: %w", err)
	}
	run.Status, run.Attempt = status, attempt
	return run, nil
}
