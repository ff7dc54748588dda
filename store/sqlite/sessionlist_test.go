package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// TestSessionPlans: a page of sessions and its count walk along an index, and
// nothing is sorted but the few sessions of one user.
func TestSessionPlans(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	for _, test := range []struct {
		name   string
		filter host.SessionFilter
		want   string
		sorts  bool
	}{
		{"all", host.SessionFilter{}, "sessions_of_kind (component_kind=?)", false},
		{"all, oldest first", host.SessionFilter{Ascending: true}, "sessions_of_kind (component_kind=?)", false},
		{"all by update", host.SessionFilter{Order: host.SessionsByUpdate}, "sessions_updated (component_kind=?)", false},
		{"kind", host.SessionFilter{Kind: host.KindAgent}, "sessions_of_kind (component_kind=?)", false},
		{"component", host.SessionFilter{ComponentID: "a"}, "sessions_of_component (component_kind=? AND component_id=?)", false},
		{"kind and component", host.SessionFilter{Kind: host.KindAgent, ComponentID: "a"}, "sessions_of_component (component_kind=? AND component_id=?)", false},
		{"component by update", host.SessionFilter{ComponentID: "a", Order: host.SessionsByUpdate}, "sessions_updated (component_kind=?)", false},
		{"label", host.SessionFilter{Label: "x"}, "sessions_of_kind (component_kind=?)", false},
		{"user", host.SessionFilter{UserID: "u", Kind: host.KindAgent, ComponentID: "a"}, "sessions_of_user (user_id=?)", false},
		{"user by update", host.SessionFilter{UserID: "u", Order: host.SessionsByUpdate}, "sessions_of_user (user_id=?)", true},
	} {
		q := newSessionQuery(test.filter)
		for _, query := range []string{q.page(), q.count()} {
			plan := planOf(t, s, query)
			if !strings.Contains(plan, test.want) || strings.Contains(plan, "SCAN sessions") {
				t.Errorf("%s: plan %q, want %q", test.name, plan, test.want)
			}
			if sorts := strings.Contains(plan, "B-TREE"); sorts != (test.sorts && query == q.page()) {
				t.Errorf("%s: plan %q, want sorting: %t", test.name, plan, test.sorts)
			}
		}
	}
}

// planOf is how SQLite goes about a query.
func planOf(t *testing.T, s *Store, query string) string {
	t.Helper()
	args := make([]any, strings.Count(query, "?")+1) // what is left over is ignored
	steps, err := all(t.Context(), s.read, scanPlan, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}

// TestSessionRunPlans holds what reads and deletes one session to that session.
func TestSessionRunPlans(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	for query, want := range map[string]string{
		sessionRunsQuery:       "runs_of_session (session_id=? AND turn>?)",
		sessionUnfinishedQuery: "runs_of_session (session_id=? AND turn=? AND status=?)",
		unfinishedRunQuery:     "runs_of_session (session_id=? AND turn=? AND status=?)",
		openCallQuery:          "r USING COVERING INDEX runs_of_session (session_id=?)",
		modelUsageQuery:        "session_usage USING PRIMARY KEY (session_id=?)",
	} {
		few := query == sessionUnfinishedQuery
		if plan := planOf(t, s, query); !strings.Contains(plan, want) || strings.Contains(plan, "B-TREE FOR ORDER BY") != few {
			t.Errorf("%s: plan %q, want %q and sorting: %t", query, plan, want, few)
		}
	}
	for _, query := range sessionDeletes() {
		plan := planOf(t, s, query)
		for _, table := range []string{"runs", "sessions", "hook_calls", "snapshots", "session_usage", "run_events", "run_cancels", "run_children", "evaluations"} {
			if strings.Contains(plan, "SCAN "+table) {
				t.Errorf("%s: plan %q", query, plan)
			}
		}
	}
}
