package postgres

import (
	"context"

	"github.com/snaphook-dev/snaphook/store/row"
)

const insertEvaluationQuery = `INSERT INTO evaluations (run_id, id, hook_call_id, component_kind, component_id, model,
		name, created_at, updated_at, doc)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10`

// evaluationValues are those of insertEvaluationQuery.
func evaluationValues(e *row.Evaluation) []any {
	return []any{
		e.RunID, e.ID, e.HookCallID, string(e.Component.Kind), e.Component.ID, e.Model,
		text(e.Name), row.Nanos(e.CreatedAt), row.Nanos(e.UpdatedAt), e.Doc,
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
	for i := range r.evaluations {
		if _, err := t.Exec(ctx, insertEvaluationQuery, evaluationValues(&r.evaluations[i])...); err != nil {
			return err
		}
	}
	return nil
}
