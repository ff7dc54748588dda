package expression

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSteps(t *testing.T) {
	t.Parallel()
	for source, want := range map[string][]string{
		`true`:                                    nil,
		`steps.a == "x" || steps["b c"].n > 1`:    {"a", "b c"},
		`steps.b.a == steps.a && .steps.b != ""`:  {"a", "b"},
		`has(steps.a) && has(steps.b.c)`:          {"a", "b"},
		`previous.all(x, steps.a == x)`:           {"a"},
		`steps[previous] == "" || "a" in steps`:   nil,
		`steps["a" + "b"] == "" || input["a"]`:    nil,
		`previous.steps.a || session_state.steps`: nil,
		`previous.all(steps, steps.a == 1)`:       nil,
		`size(steps) > 1`:                         nil,
	} {
		if diff := cmp.Diff(want, mustCompile(t, source, Bool).Steps()); diff != "" {
			t.Errorf("%s: steps (-want +got):\n%s", source, diff)
		}
	}
}
