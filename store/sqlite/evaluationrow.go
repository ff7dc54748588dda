package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// evaluationRow is an evaluation as it is stored.
type evaluationRow struct {
	evaluation host.Evaluation
	doc        string
}

// newEvaluationRows encodes what a call found.
func newEvaluationRows(call host.HookCall) ([]evaluationRow, error) {
	var rows []evaluationRow
	for _, e := range call.Evaluations {
		if e.HookCallID != call.ID || e.RunID != call.RunID {
			return nil, fmt.Errorf("evaluation %q is of hook call %q of run %q", e.ID, e.HookCallID, e.RunID)
		}
		doc, err := encode(e)
		if err != nil {
			return nil, fmt.Errorf("encode evaluation: %w", err)
		}
		rows = append(rows, evaluationRow{evaluation: e, doc: doc})
	}
	return rows, nil
}

func insertEvaluations(t *tx, rows []evaluationRow) error {
	const query = `INSERT INTO evaluations (id, run_id, hook_call_id, component_kind, component_id, model, name,
			created_at, updated_at, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for i := range rows {
		e := &rows[i].evaluation
		_, err := t.exec(query, e.ID, e.RunID, e.HookCallID, e.Component.Kind, e.Component.ID, e.Model, e.Name,
			row.Nanos(e.CreatedAt), row.Nanos(e.UpdatedAt), rows[i].doc)
		if err != nil {
			return err
		}
	}
	return nil
}

const dropEvaluationsQuery = `DELETE FROM evaluations WHERE run_id = ? AND hook_call_id = ?`

// replaceEvaluations stores what the call found instead of what an earlier attempt
// left, which only a call that was revived can have.
func (r *hookCallRow) replaceEvaluations(t *tx) error {
	if len(r.evaluations) == 0 {
		return nil
	}
	if r.call.Attempt > 1 {
		if _, err := t.exec(dropEvaluationsQuery, r.call.RunID, r.call.ID); err != nil {
			return err
		}
	}
	return insertEvaluations(t, r.evaluations)
}

const evaluationColumns = `name, updated_at, doc`

func scanEvaluation(r row.Scanner) (host.Evaluation, error) {
	var (
		e       host.Evaluation
		name    string
		updated int64
		doc     []byte
	)
	if err := r.Scan(&name, &updated, &doc); err != nil {
		return e, err
	}
	if err := json.Unmarshal(doc, &e); err != nil {
		return e, fmt.Errorf("decode evaluation: %w", err)
	}
	e.Name, e.UpdatedAt = name, row.Time(updated)
	return e, nil
}
