package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// TestPlans: no statement looks at more rows than it must, and pages come sorted.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := openTest(t, postgrestest.Database(t))
	whole := regexp.MustCompile(`Seq Scan on (runs|sessions|hook_calls|snapshots|evaluations|run_\w+|session_usage|idempotency_keys)|(Hash|Merge) (Semi |Anti )?Join`)
	for _, query := range plannedQueries() {
		plan := planOf(t, s, query)
		if whole.MatchString(plan) {
			t.Errorf("%s\nlooks at all rows:\n%s", query, plan)
		}
	}
	for query, index := range map[string]string{
		historyQuery:           "runs_of_session",
		sessionRunsQuery:       "runs_of_session",
		sessionUnfinishedQuery: "runs_of_session",
		aheadQuery:             "runs_of_session",
		unfinishedRunQuery:     "runs_of_session",
		claimRunsQuery:         "runs_unfinished",
		claimRunQuery:          "runs_id_key",
		updateEndQuery:         "runs_id_key",
		insertChildQuery:       "runs_id_key",
		childRunsQuery:         "run_children_of_parent",
		dropEvaluationsQuery:   "evaluations_of_run",
		claimQuery:             "hook_calls_open",
		claimNamedQuery:        "hook_calls_id_key",
		finishCallsQuery:       "hook_calls_id_key",
		dropSnapshotsQuery:     "hook_calls_of_run",
		openCallQuery:          "hook_calls_of_run",
		eventsQuery:            "run_events_pkey",
	} {
		plan := planOf(t, s, query)
		if !strings.Contains(plan, index) || strings.Contains(plan, "Sort") || strings.Contains(plan, "Join Filter") {
			t.Errorf("%s\nis to walk along %s without sorting:\n%s", query, index, plan)
		}
	}
}

func plannedQueries() []string {
	queries := []string{
		insertEndQuery, updateEndQuery, insertChildQuery, childRunsQuery, dropEvaluationsQuery,
		addUsageQuery, putSessionQuery, insertCallQuery, insertRunsQuery, openRunQuery, fenceQuery,
		keptCancelsQuery, dropCancelQuery,
		aheadQuery, claimRunsQuery, claimRunQuery, dueQuery, claimQuery, claimNamedQuery, backlogQuery, eventsQuery,
		historyQuery, sessionRunsQuery, sessionUnfinishedQuery, hookCallsQuery, modelUsageQuery,
		finishCallsQuery, holdSnapshotsQuery, dropSnapshotsQuery, renewQuery, leftQuery, sweptRunsQuery,
		requeueRunsQuery, spentCallsQuery, requeueCallsQuery, unfinishedRunQuery, openCallQuery,
		agedCallsQuery, agedRunsQuery, dropCallsQuery, dropRunsQuery, oldLogsQuery, dropLogsQuery, expireEventsQuery,
	}
	queries = append(queries, sessionDeletes()...)
	for _, filter := range []host.SessionFilter{
		{}, {Kind: host.KindAgent}, {ComponentID: "a"}, {UserID: "u"}, {Order: host.SessionsByUpdate}, {Label: "x"},
	} {
		q := newSessionQuery(filter)
		page, _ := q.page(1, 1)
		queries = append(queries, page, q.count())
	}
	for _, filter := range []host.HookCallFilter{
		{RunID: "r"}, {SessionID: "s"}, {Plugin: "p"}, {Status: host.HookCallDead}, {Status: host.HookCallCompleted}, {Hook: "h"}, {},
	} {
		chosen, _ := chosenBy(filter)
		queries = append(queries, "SELECT id"+chosen+" ORDER BY seq DESC LIMIT 10")
	}
	return queries
}

var placeholder = regexp.MustCompile(`\$(\d+)`)

// planOf returns the plan of a query for any arguments.
func planOf(t *testing.T, s *Store, query string) string {
	t.Helper()
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	arguments := 0
	for _, found := range placeholder.FindAllStringSubmatch(query, -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		arguments = max(arguments, n)
	}
	execute := "p"
	if arguments > 0 {
		execute += "(" + strings.TrimSuffix(strings.Repeat("NULL,", arguments), ",") + ")"
	}
	if _, err := conn.Exec(t.Context(), "PREPARE p AS "+query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer conn.Exec(context.WithoutCancel(t.Context()), "DEALLOCATE p")
	rows, err := conn.Query(t.Context(), "EXPLAIN (COSTS OFF) EXECUTE "+execute)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return strings.Join(lines, "\n")
}

// openTest opens a store until the test ends.
func openTest(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
