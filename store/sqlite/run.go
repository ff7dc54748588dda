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
func (s *Store) CreateRun(ctx context.Context, run host.Run, lease host.Lease, wait bool) error {
	run = created(run)
	row, err := newRunRow(run, lease)
	if err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	o := &op{do: row.insert}
	if wait {
		err = s.writer.write(ctx, o)
	} else {
		err = s.createLazily(o, run, row)
	}
	if err != nil {
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

// createLazily makes the run readable and puts its row into the next
// transaction, with the status it has by then.
func (s *Store) createLazily(o *op, run host.Run, row runRow) error {
	if !s.pending.add(run) {
		s.writer.log.Warn("write refused", "row", runKey(run.ID), "err", "a run with this id is under way")
		return nil
	}
	o.key = runKey(run.ID)
	o.written = func() { s.pending.remove(run.ID) }
	o.do = func(t *tx) error {
		row := row
		if run, ok := s.pending.get(row.id); ok {
			row.status = run.Status
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
	s.pending.start(id, attempt)
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

// History returns the last n COMPLETED top-level runs of a session, oldest
// first.
func (s *Store) History(ctx context.Context, sessionID string, n int) ([]host.Run, error) {
	if n <= 0 {
		return nil, nil
	}
	const query = `SELECT ` + runColumns + ` FROM runs
		WHERE session_id = ? AND turn IS NOT NULL AND status = 'COMPLETED' ORDER BY turn DESC LIMIT ?`
	runs, err := all(ctx, s.read, scanRun, query, sessionID, n)
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
	const query = `INSERT INTO runs (id, session_id, parent_id, background, status, attempt, owner, lease_until, created_at, doc, turn)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
			CASE WHEN ?11 THEN (SELECT coalesce(max(turn), 0) + 1 FROM runs WHERE session_id = ?2 AND turn IS NOT NULL) END)
		ON CONFLICT (id) DO NOTHING`
	n, err := t.exec(query, r.id, r.sessionID, r.parentID, r.background, r.status, r.attempt,
		r.lease.Owner, nanos(r.lease.Until), r.createdAt, r.doc, r.counted())
	if err == nil && n == 0 {
		return host.Errorf(host.CodeConflict, "run %q exists already", r.id)
	}
	return err
}

// finish replaces the row of a run that is not final and belongs to r's
// attempt, and frees it.
func (r runRow) finish(t *tx) error {
	const query = `UPDATE runs SET status = ?3, owner = '', lease_until = 0, doc = ?4,
			turn = CASE WHEN parent_id = '' THEN (SELECT coalesce(max(turn), 0) + 1 FROM runs AS r
				WHERE r.session_id = runs.session_id AND r.turn IS NOT NULL) END
		WHERE id = ?1 AND attempt = ?2 AND status NOT IN ('COMPLETED', 'CANCELLED', 'ERROR')`
	n, err := t.exec(query, r.id, r.attempt, r.status, r.doc)
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
