package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Evaluations returns one page of those the filter chooses, and how many there are.
func (s *Store) Evaluations(ctx context.Context, filter host.EvaluationFilter) ([]host.Evaluation, int, error) {
	if filter.Offset < 0 || filter.Limit < 0 {
		return nil, 0, errors.New("find evaluations: offset and limit must not be negative")
	}
	page, count, args := evaluationQueries(filter)
	n := len(args)
	found, err := list(ctx, s, row.ScanEvaluation, page, append(args, filter.Limit, filter.Offset)...)
	if err != nil {
		return nil, 0, fmt.Errorf("find evaluations: %w", err)
	}
	total, err := get(ctx, s, row.Value[int], count, append(args[:n:n], host.MaxCounted)...)
	if err != nil {
		return nil, 0, fmt.Errorf("count evaluations: %w", err)
	}
	return found, total, nil
}

// evaluationQueries are the query of a page, which takes limit and offset behind
// args, and that of their number, which takes a limit. There is one text for each
// set of fields. The field that leaves least leads along its index, which is hidden
// for the others.
func evaluationQueries(f host.EvaluationFilter) (page, count string, args []any) {
	where := []string{"TRUE"}
	equal := func(column, value string, led bool) {
		if value == "" {
			return
		}
		if led {
			column += " || ''"
		}
		args = append(args, value)
		where = append(where, fmt.Sprintf("%s = $%d", column, len(args)))
	}
	equal("run_id", f.RunID, false)
	led := f.RunID != "" || f.Component.Kind == "" || f.Component.ID == ""
	equal("component_kind", string(f.Component.Kind), led)
	equal("component_id", f.Component.ID, led)
	equal("model", f.Model, f.RunID != "" || !led)

	direction, n := "DESC", len(args)
	if f.Ascending {
		direction = "ASC"
	}
	from := " FROM evaluations WHERE " + strings.Join(where, " AND ")
	page = fmt.Sprintf("SELECT %s%s ORDER BY created_at %[3]s, seq %[3]s LIMIT $%[4]d OFFSET $%[5]d",
		row.EvaluationColumns, from, direction, n+1, n+2)
	return page, fmt.Sprintf("SELECT count(*) FROM (SELECT 1%s LIMIT $%d) AS counted", from, n+1), args
}

// Evaluation returns one evaluation.
func (s *Store) Evaluation(ctx context.Context, id string) (host.Evaluation, error) {
	e, err := get(ctx, s, row.ScanEvaluation, `SELECT `+row.EvaluationColumns+` FROM evaluations WHERE id = $1`, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return host.Evaluation{}, row.EvaluationNotFound(id)
	}
	if err != nil {
		return host.Evaluation{}, fmt.Errorf("read evaluation: %w", err)
	}
	return e, nil
}

// RenameEvaluation names an evaluation and returns it.
func (s *Store) RenameEvaluation(ctx context.Context, id, name string, at time.Time) (host.Evaluation, error) {
	const query = `UPDATE evaluations SET name = $1, updated_at = $2 WHERE id = $3 RETURNING ` + row.EvaluationColumns
	var renamed host.Evaluation
	err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		renamed, err = one(ctx, t, row.ScanEvaluation, query, text(name), row.Nanos(at), id)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return host.Evaluation{}, row.EvaluationNotFound(id)
	}
	if err != nil {
		return host.Evaluation{}, fmt.Errorf("rename evaluation: %w", err)
	}
	return renamed, nil
}

// DeleteEvaluations deletes those that exist.
func (s *Store) DeleteEvaluations(ctx context.Context, ids []string) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.Exec(ctx, `DELETE FROM evaluations WHERE id = ANY($1)`, ids)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete evaluations: %w", err)
	}
	return nil
}
