package sqlite

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// runKey names a run's row to the writer.
func runKey(id string) string { return "run " + id }

// runRow is a run as it is stored.
type runRow struct {
	run   *host.Run
	place int64 // of a row that is to be inserted
	// The seqs of its hook calls, or nil.
	firstCall, lastCall any
	lease               host.Lease
	idempotencyKey      any // TEXT, or nil
	doc                 string
}

func newRunRow(run *host.Run, lease host.Lease) (runRow, error) {
	doc, err := encodeRun(*run)
	if err != nil {
		return runRow{}, fmt.Errorf("encode run: %w", err)
	}
	return runRow{run: run, lease: lease, doc: doc}, nil
}

// insert adds the row; an id that exists is a conflict. A run that somebody has
// cancelled already cannot come in with another end.
func (r *runRow) insert(t *tx) error {
	run := r.run
	if err := r.checkCancel(t); err != nil {
		return err
	}
	added, err := r.add(t)
	switch {
	case err != nil:
		return err
	case !added:
		return row.RunExists(run.ID)
	case run.Status.Final():
		return r.end(t)
	}
	t.memory.background = t.memory.background || run.Background
	if run.Background && r.lease.Owner == "" {
		t.tell(host.SignalWork, "")
	}
	return nil
}

// add inserts the row unless there is one of its id.
func (r *runRow) add(t *tx) (bool, error) {
	const query = `INSERT INTO runs (session_id, id, place, background, parallel, status, attempt,
			owner, lease_until, due_at, created_at, finished_at, streamed, idempotency_key, doc,
			first_call, last_call, turn, cancel_requested)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, 0, ?12, ?13, ?14, ?15,
			CASE ?16 WHEN 1 THEN ` + lastTurn + ` + 1 ELSE ?16 END, EXISTS (SELECT 1 FROM run_cancels WHERE run_id = ?2))
		ON CONFLICT (id) DO NOTHING`
	run := r.run
	n, err := t.exec(query, run.SessionID, run.ID, r.place, run.Background, run.Parallel, run.Status,
		run.Attempt, r.lease.Owner, row.Nanos(r.lease.Until), row.Nanos(run.CreatedAt), row.Nanos(run.FinishedAt),
		r.idempotencyKey, r.doc, r.firstCall, r.lastCall, r.turns())
	return n > 0, err
}

// turns is how many turns of its session the run takes, nil while that is open.
func (r *runRow) turns() any {
	switch {
	case !r.run.Status.Final():
		return nil
	case r.run.TopLevel():
		return 1
	}
	return 0
}

// checkCancel refuses to insert a run whose end is not the one that was promised.
func (r *runRow) checkCancel(t *tx) error {
	if !r.run.Status.Final() || r.run.Status == host.RunCancelled {
		return nil
	}
	kept, err := cancelKept(t, r.run.ID)
	if err == nil && kept {
		return host.ErrCancelled
	}
	return err
}

// finish replaces the row of a run that is not final and belongs to r's attempt,
// and frees it.
func (r *runRow) finish(t *tx) error {
	const query = `UPDATE runs SET status = ?2, owner = '', lease_until = 0, finished_at = ?3, streamed = background,
			doc = ?4, first_call = ?5, last_call = ?6, turn = ` + lastTurn + ` + 1
		WHERE id = ?7 AND attempt = ?8 AND status IN ('PENDING', 'RUNNING')
			AND (?2 = 'CANCELLED' OR NOT cancel_requested)`
	n, err := t.exec(query, r.run.SessionID, r.run.Status, row.Nanos(r.run.FinishedAt), r.doc,
		r.firstCall, r.lastCall, r.run.ID, r.run.Attempt)
	if err != nil {
		return err
	}
	if n == 0 {
		return missedRun(t, r.run.ID, r.run.Attempt)
	}
	return r.end(t)
}

const waitingQuery = `SELECT 1 FROM runs AS a INDEXED BY runs_of_session WHERE a.session_id = ?
	AND a.turn IS NULL AND a.status IN ('PENDING', 'RUNNING') AND a.background AND a.owner = '' LIMIT 1`

// end tells those who wait for a run that has ended, or for its stream.
func (r *runRow) end(t *tx) error {
	if r.run.Background {
		t.tell(host.SignalEvents, r.run.ID)
	}
	t.tell(host.SignalSession, r.run.SessionID)
	if !t.memory.background {
		return nil
	}
	waiting, err := queryTx(t, row.Value[int], waitingQuery, r.run.SessionID)
	if len(waiting) > 0 {
		t.tell(host.SignalWork, "")
	}
	return err
}

// missedRun says why a write of an attempt met no row.
func missedRun(t *tx, id string, attempt int) error {
	cancelled, err := checkRun(t, id, attempt)
	if err == nil && cancelled {
		return host.ErrCancelled
	}
	return err
}

// checkRun returns host.ErrStale when the attempt of a run is over, and whether
// somebody has asked to cancel it.
func checkRun(t *tx, id string, attempt int) (cancelled bool, err error) {
	found, err := queryTx(t, row.ScanFence, `SELECT `+row.FenceColumns+` FROM runs WHERE id = ?`, id)
	switch {
	case err != nil:
		return false, err
	case len(found) == 0:
		return false, row.RunNotFound(id)
	}
	return found[0].Check(attempt)
}
