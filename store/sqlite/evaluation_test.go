package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// TestEvaluationPlans: a page of evaluations walks along an index, as children and
// what goes with a run do.
func TestEvaluationPlans(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	agent := host.BindingScope{Kind: host.KindAgent, ID: "a"}
	for _, test := range []struct {
		filter host.EvaluationFilter
		want   string
	}{
		{host.EvaluationFilter{}, "SCAN evaluations USING INDEX evaluations_created"},
		{host.EvaluationFilter{Ascending: true}, "SCAN evaluations USING INDEX evaluations_created"},
		{host.EvaluationFilter{Model: "m"}, "evaluations_of_model (model=?)"},
		{host.EvaluationFilter{Component: agent, Model: "m"}, "evaluations_of_component (component_kind=? AND component_id=?)"},
		{host.EvaluationFilter{RunID: "r", Component: agent, Model: "m"}, "evaluations_of_run (run_id=?)"},
	} {
		page, _, _ := evaluationQueries(test.filter)
		if plan := planOf(t, s, page); !strings.Contains(plan, test.want) || strings.Contains(plan, "B-TREE") {
			t.Errorf("%s: plan %q, want %q", page, plan, test.want)
		}
	}
	for query, want := range map[string]string{
		childRunsQuery:       "run_children_of_parent (parent_id=?)",
		treeQuery:            "run_children_of_root (root_id=?)",
		dropEvaluationsQuery: "evaluations_of_run (run_id=?)",
	} {
		if plan := planOf(t, s, query); !strings.Contains(plan, want) || strings.Contains(plan, "SCAN runs") {
			t.Errorf("%s: plan %q, want %q", query, plan, want)
		}
	}
}
