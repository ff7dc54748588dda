package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Sessions returns one page of the sessions that match, and how many match. A
// page walks along an index; counting walks along the part of it that matches. A
// filter by label has to look at every session the rest of the filter leaves.
func (s *Store) Sessions(ctx context.Context, filter host.SessionFilter) ([]host.Session, int, error) {
	q := newSessionQuery(filter)
	total, err := get(ctx, s, row.Value[int], q.count(), q.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("count sessions: %w", err)
	}
	query, args := q.page(filter.Limit, filter.Offset)
	page, err := list(ctx, s, scanListedSession, query, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list sessions: %w", err)
	}
	return page, total, nil
}

// sessionQuery is a filter as SQL. The texts it can become are few.
type sessionQuery struct {
	// arms are the parts of a union, each along one index.
	arms      []string
	args      []any
	order     string
	direction string
}

func newSessionQuery(f host.SessionFilter) *sessionQuery {
	q := &sessionQuery{order: "created_at", direction: "DESC"}
	if f.Order == host.SessionsByUpdate {
		q.order = "updated_at"
	}
	if f.Ascending {
		q.direction = "ASC"
	}
	kinds := []host.ComponentKind{host.KindAgent, host.KindTeam, host.KindWorkflow}
	if f.Kind != "" || f.UserID != "" { // a user has few sessions
		kinds = []host.ComponentKind{f.Kind}
	}
	for _, kind := range kinds {
		f.Kind = kind
		q.arm(f)
	}
	return q
}

// arm adds a part.
func (q *sessionQuery) arm(f host.SessionFilter) {
	where := []string{"TRUE"}
	add := func(condition string, value any) {
		where = append(where, fmt.Sprintf(condition, q.arg(value)))
	}
	if f.UserID != "" {
		add("user_id <> '' AND user_id = $%d", f.UserID)
	}
	if f.Kind != "" {
		add("component_kind = $%d", string(f.Kind))
	}
	if f.ComponentID != "" {
		add("component_id = $%d", f.ComponentID)
	}
	if f.Label != "" {
		// Which lowers ASCII letters only.
		add(`strpos(lower(CASE WHEN name = '' THEN title ELSE name END), lower($%d COLLATE "C")) > 0`, f.Label)
	}
	q.arms = append(q.arms, "FROM sessions WHERE "+strings.Join(where, " AND "))
}

// arg adds an argument and returns its number.
func (q *sessionQuery) arg(value any) int {
	q.args = append(q.args, value)
	return len(q.args)
}

// page is the query of a page with its arguments. Sessions of one moment are in
// the order they were stored.
func (q *sessionQuery) page(limit, offset int) (string, []any) {
	n := len(q.args)
	order := fmt.Sprintf("ORDER BY %s %[2]s, seq %[2]s", q.order, q.direction)
	selects := make([]string, len(q.arms))
	for i, arm := range q.arms {
		// No arm has more than the page and what lies before it.
		selects[i] = fmt.Sprintf("(SELECT seq, %s %s %s LIMIT $%d::bigint + $%d)", row.SessionColumns, arm, order, n+1, n+2)
	}
	query := fmt.Sprintf("SELECT * FROM (%s) AS s %s LIMIT $%d OFFSET $%d", strings.Join(selects, " UNION ALL "), order, n+1, n+2)
	return query, append(q.args, limit, offset)
}

func (q *sessionQuery) count() string {
	counts := make([]string, len(q.arms))
	for i, arm := range q.arms {
		counts[i] = "(SELECT count(*) " + arm + ")"
	}
	return "SELECT " + strings.Join(counts, " + ")
}

func scanListedSession(r row.Scanner) (host.Session, error) {
	var seq int64
	return row.ScanSession(row.Leading(r, &seq))
}
