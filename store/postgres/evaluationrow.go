package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// evaluationRow is an evaluation as it is stored.
type evaluationRow struct {
	evaluation host.Evaluation
	doc        []byte
}

// newEvaluationRows encodes what a call found.
func newEvaluationRows(call host.HookCall) ([]evaluationRow, error) {
	var rows []evaluationRow
	for _, e := range call.Evaluations {
		if e.HookCallID != call.ID || e.RunID != call.RunID {
			return nil, fmt.Errorf("evaluation %q is of hook call %q of run %q", e.ID, e.HookCallID, e.RunID)
		}
		doc, err := row.Encode(e)
		if err != nil {
			return nil, fmt.Errorf("encode evaluation: %w", err)
		}
		rows = append(rows, evaluationRow{evaluation: e, doc: doc})
	}
	return rows, nil
}

const insertEvaluationQuery = `INSERT INTO evaluations (run_id, id, hook_call_id, component_kind, component_id, model,
		name, created_at, updated_at, doc)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10`

// values are those of insertEvaluationQuery.
func (r *evaluationRow) values() []any {
	e := &r.evaluation
	return []any{
		e.RunID, e.ID, e.HookCallID, string(e.Component.Kind), e.Component.ID, e.Model,
		text(e.Name), row.Nanos(e.CreatedAt), row.Nanos(e.UpdatedAt), r.doc,
	}
}

const dropEvaluationsQuery = `DELETE FROM evaluations WHERE run_id = $1 AND hook_call_id = $2`

// replaceEvaluations stores what the call found instead of what an earlier attempt
// left, which only a call that was revived can have.
func (r *hookCallRow) replaceEvaluations(ctx context.Context, t *tx) error {
	if r.call.Attempt > 1 {
		if _, err := t.Exec(ctx, dropEvaluationsQuery, r.call.RunID, r.call.ID); err != nil {
			return err
		}
	}
	for _, e := range r.evaluations {
		if _, err := t.Exec(ctx, insertEvaluationQuery, e.values()...); err != nil {
			return err
		}
	}
	return nil
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
