package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Evaluations returns one page of those the filter chooses, and how many there are.
func (s *Store) Evaluations(ctx context.Context, filter host.EvaluationFilter) ([]host.Evaluation, int, error) {
	if filter.Offset < 0 || filter.Limit < 0 {
		return nil, 0, errors.New("find evaluations: offset and limit must not be negative")
	}
	page, count, args := evaluationQueries(filter)
	found, err := all(ctx, s.read, row.ScanEvaluation, page, append(args, filter.Limit, filter.Offset)...)
	if err != nil {
		return nil, 0, fmt.Errorf("find evaluations: %w", err)
	}
	total, err := one(ctx, s.read, row.Value[int], count, append(args, host.MaxCounted)...)
	if err != nil {
		return nil, 0, fmt.Errorf("count evaluations: %w", err)
	}
	return found, total, nil
}

// evaluationQueries are the query of a page, which takes limit and offset behind
// args, and that of their number, which takes a limit. There are few such texts.
func evaluationQueries(f host.EvaluationFilter) (page, count string, args []any) {
	from := " FROM evaluations INDEXED BY " + evaluationIndex(f) + " WHERE TRUE"
	for _, c := range []struct{ column, value string }{
		{"run_id", f.RunID},
		{"component_kind", string(f.Component.Kind)},
		{"component_id", f.Component.ID},
		{"model", f.Model},
	} {
		if c.value != "" {
			from, args = from+" AND "+c.column+" = ?", append(args, c.value)
		}
	}
	direction := "DESC"
	if f.Ascending {
		direction = "ASC"
	}
	page = fmt.Sprintf("SELECT %s%s ORDER BY created_at %[3]s, seq %[3]s LIMIT ? OFFSET ?",
		row.EvaluationColumns, from, direction)
	return page, "SELECT count(*) FROM (SELECT 1" + from + " LIMIT ?)", args
}

// evaluationIndex is the index that leads through what the filter chooses, sorted.
func evaluationIndex(f host.EvaluationFilter) string {
	switch {
	case f.RunID != "":
		return "evaluations_of_run"
	case f.Component.Kind != "" && f.Component.ID != "":
		return "evaluations_of_component"
	case f.Model != "":
		return "evaluations_of_model"
	}
	return "evaluations_created"
}

// Evaluation returns one evaluation.
func (s *Store) Evaluation(ctx context.Context, id string) (host.Evaluation, error) {
	e, err := one(ctx, s.read, row.ScanEvaluation, `SELECT `+row.EvaluationColumns+` FROM evaluations WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return host.Evaluation{}, row.EvaluationNotFound(id)
	}
	if err != nil {
		return host.Evaluation{}, fmt.Errorf("read evaluation: %w", err)
	}
	return e, nil
}

// RenameEvaluation names an evaluation and returns it.
func (s *Store) RenameEvaluation(ctx context.Context, id, name string, at time.Time) (host.Evaluation, error) {
	const query = `UPDATE evaluations SET name = ?, updated_at = ? WHERE id = ? RETURNING ` + row.EvaluationColumns
	var renamed host.Evaluation
	err := s.writer.write(ctx, &op{do: func(t *tx) error {
		found, err := queryTx(t, row.ScanEvaluation, query, name, row.Nanos(at), id)
		t.changed(int64(len(found)))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return row.EvaluationNotFound(id)
		}
		renamed = found[0]
		return nil
	}})
	if err != nil {
		return host.Evaluation{}, fmt.Errorf("rename evaluation: %w", err)
	}
	return renamed, nil
}

// DeleteEvaluations deletes those that exist.
func (s *Store) DeleteEvaluations(ctx context.Context, ids []string) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("delete evaluations: %w", err)
	}
	err = s.writer.write(ctx, &op{do: func(t *tx) error {
		_, err := t.exec(`DELETE FROM evaluations WHERE id IN (SELECT value FROM json_each(?))`, string(list))
		return err
	}})
	if err != nil {
		return fmt.Errorf("delete evaluations: %w", err)
	}
	return nil
}
