package postgres

import (
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// TestEvaluationPlans: a page of evaluations and its count walk along an index.
func TestEvaluationPlans(t *testing.T) {
	t.Parallel()
	s := openTest(t, postgrestest.Database(t))
	agent := host.BindingScope{Kind: host.KindAgent, ID: "a"}
	for _, test := range []struct {
		filter host.EvaluationFilter
		want   string
	}{
		{host.EvaluationFilter{}, "evaluations_created"},
		{host.EvaluationFilter{Ascending: true}, "evaluations_created"},
		{host.EvaluationFilter{Component: host.BindingScope{Kind: host.KindTeam}}, "evaluations_created"},
		{host.EvaluationFilter{Model: "m"}, "evaluations_of_model"},
		{host.EvaluationFilter{Component: agent}, "evaluations_of_component"},
		{host.EvaluationFilter{Component: agent, Model: "m"}, "evaluations_of_component"},
		{host.EvaluationFilter{RunID: "r"}, "evaluations_of_run"},
		{host.EvaluationFilter{RunID: "r", Component: agent, Model: "m"}, "evaluations_of_run"},
	} {
		page, _, _ := evaluationQueries(test.filter)
		if plan := planOf(t, s, page); !strings.Contains(plan, test.want) || strings.Contains(plan, "Sort") {
			t.Errorf("%s\nis to walk along %s without sorting:\n%s", page, test.want, plan)
		}
	}
}
