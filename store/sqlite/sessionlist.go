package sqlite

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
	total, err := one(ctx, s.read, row.Value[int], q.count(), q.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("count sessions: %w", err)
	}
	page, err := all(ctx, s.read, scanListedSession, q.page(), append(q.args, filter.Limit, filter.Offset)...)
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

func newSessionQuery(f host.SessionFilter) sessionQuery {
	q := sessionQuery{order: "created_at", direction: "DESC"}
	if f.Order == host.SessionsByUpdate {
		q.order = "updated_at"
	}
	if f.Ascending {
		q.direction = "ASC"
	}
	if f.UserID != "" {
		// A user has few sessions; what else is asked for is looked up in them.
		q.arm(f, "sessions_of_user", "user_id <> '' AND user_id = ?", f.UserID)
		return q
	}
	index := "sessions_of_kind"
	switch {
	case f.Order == host.SessionsByUpdate:
		index = "sessions_updated"
	case f.ComponentID != "":
		index = "sessions_of_component"
	}
	kinds := []host.ComponentKind{host.KindAgent, host.KindTeam, host.KindWorkflow}
	if f.Kind != "" {
		kinds = []host.ComponentKind{f.Kind}
	}
	for _, kind := range kinds {
		f.Kind = kind
		q.arm(f, index, "TRUE")
	}
	return q
}

// arm adds a part that walks along an index.
func (q *sessionQuery) arm(f host.SessionFilter, index, where string, args ...any) {
	if f.Kind != "" {
		where, args = where+" AND component_kind = ?", append(args, f.Kind)
	}
	if f.ComponentID != "" {
		where, args = where+" AND component_id = ?", append(args, f.ComponentID)
	}
	if f.Label != "" {
		where += " AND instr(lower(iif(name = '', title, name)), lower(?)) > 0"
		args = append(args, f.Label)
	}
	q.arms = append(q.arms, "FROM sessions INDEXED BY "+index+" WHERE "+where)
	q.args = append(q.args, args...)
}

// page is the query of a page; it takes limit and offset after q.args. Sessions
// of one moment are in the order they were stored.
func (q *sessionQuery) page() string {
	selects := make([]string, len(q.arms))
	for i, arm := range q.arms {
		selects[i] = "SELECT rowid AS stored, " + row.SessionColumns + " " + arm
	}
	return fmt.Sprintf("%s ORDER BY %s %[3]s, stored %[3]s LIMIT ? OFFSET ?",
		strings.Join(selects, " UNION ALL "), q.order, q.direction)
}

func (q *sessionQuery) count() string {
	counts := make([]string, len(q.arms))
	for i, arm := range q.arms {
		counts[i] = "(SELECT count(*) " + arm + ")"
	}
	return "SELECT " + strings.Join(counts, " + ")
}

func scanListedSession(r row.Scanner) (host.Session, error) {
	var stored int64
	return row.ScanSession(row.Leading(r, &stored))
}
