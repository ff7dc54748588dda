package sqlite

import "github.com/snaphook-dev/snaphook/store/row"

func insertEvaluations(t *tx, rows []row.Evaluation) error {
	const query = `INSERT INTO evaluations (id, run_id, hook_call_id, component_kind, component_id, model, name,
			created_at, updated_at, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for i := range rows {
		e := &rows[i]
		_, err := t.exec(query, e.ID, e.RunID, e.HookCallID, e.Component.Kind, e.Component.ID, e.Model, e.Name,
			row.Nanos(e.CreatedAt), row.Nanos(e.UpdatedAt), string(e.Doc))
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
