package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// composed has every kind of component and step.
const composed = `models: {m: {provider: echo}}
agents:
  - {id: analyzer, model: m}
  - {id: writer, model: m, tools: [{plugin: notes}, {mcp: {command: [server]}}]}
teams:
  - {id: desk, model: m, members: [analyzer, writer]}
workflows:
  - id: analysis
    name: Analysis
    description: analyzes
    require_hooks: true
    store_refused_input: true
    session_concurrency: parallel
    output_schema: {type: object}
    hooks: [{plugin: audit}]
    steps:
      - {agent: analyzer, name: analyze, on_error: retry}
      - {plugin: notes, function: save, config: {folder: x}, on_error: skip}
      - parallel:
          - {agent: writer}
          - {agent: writer, on_error: retry, retries: 5}
          - {team: desk}
      - loop:
          steps: [{agent: writer}]
          until: previous.contains("DONE")
          max_iterations: 3
      - name: again
        loop: {steps: [{agent: analyzer}], until: {plugin: judge, function: done, config: {a: 1}}}
      - loop: {steps: [{agent: analyzer}], max_iterations: 1000}
      - condition:
          if: steps["analyze"] != "" && session_state.n > 1
          then: [{plugin: notes, function: save}]
          else: [{agent: writer, name: writer-2}]
      - router:
          select: 'input.contains("code") ? ["coder"] : ["desk-2"]'
          choices: [{agent: analyzer, name: coder}, {team: desk}]
`

func TestWorkflows(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte(composed), "/", Options{LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, kind host.ComponentKind, id string) host.Step {
		return host.Step{
			Name: name, Kind: host.StepComponent, OnError: host.StepFail,
			Component: host.BindingScope{Kind: kind, ID: id},
		}
	}
	agent := func(name, id string) host.Step { return run(name, host.KindAgent, id) }
	retry := func(s host.Step, times int) host.Step {
		s.OnError, s.Retries = host.StepRetry, times
		return s
	}
	want := []host.Workflow{{
		ID: "analysis", Name: "Analysis", Description: "analyzes",
		RequireHooks: true, StoreRefusedInput: true, ParallelSessions: true, OutputSchema: []byte(`{"type":"object"}`),
		Hooks: []host.Binding{{Plugin: "audit", Source: host.SourceConfig}},
		Steps: []host.Step{
			retry(agent("analyze", "analyzer"), 2),
			{
				Name: "save", Kind: host.StepFunction, OnError: host.StepSkip,
				Function: &host.StepCall{Plugin: "notes", Function: "save", Config: []byte(`{"folder":"x"}`)},
			},
			{Name: "parallel", Kind: host.StepParallel, OnError: host.StepFail, Steps: []host.Step{
				agent("writer", "writer"), retry(agent("writer-3", "writer"), 5), run("desk", host.KindTeam, "desk"),
			}},
			{
				Name: "loop", Kind: host.StepLoop, OnError: host.StepFail, Steps: []host.Step{agent("writer-4", "writer")},
				Decide: host.Decision{CEL: `previous.contains("DONE")`}, MaxIterations: 3,
			},
			{
				Name: "again", Kind: host.StepLoop, OnError: host.StepFail, Steps: []host.Step{agent("analyzer", "analyzer")},
				Decide: host.Decision{Function: &host.StepCall{
					Plugin: "judge", Function: "done", Config: []byte(`{"a":1}`),
				}},
				MaxIterations: DefaultMaxIterations,
			},
			{
				Name: "loop-2", Kind: host.StepLoop, OnError: host.StepFail, MaxIterations: 1000,
				Steps: []host.Step{agent("analyzer-2", "analyzer")},
			},
			{
				Name: "condition", Kind: host.StepCondition, OnError: host.StepFail,
				Decide: host.Decision{CEL: `steps["analyze"] != "" && session_state.n > 1`},
				Steps: []host.Step{{
					Name: "save-2", Kind: host.StepFunction, OnError: host.StepFail,
					Function: &host.StepCall{Plugin: "notes", Function: "save"},
				}},
				Else: []host.Step{agent("writer-2", "writer")},
			},
			{
				Name: "router", Kind: host.StepRouter, OnError: host.StepFail,
				Decide: host.Decision{CEL: `input.contains("code") ? ["coder"] : ["desk-2"]`},
				Steps:  []host.Step{agent("coder", "analyzer"), run("desk-2", host.KindTeam, "desk")},
			},
		},
	}}
	if diff := cmp.Diff(want, c.Workflows); diff != "" {
		t.Errorf("workflows (-want +got):\n%s", diff)
	}
}

func TestProblemsOfWorkflows(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `models: {m: {provider: echo}}
agents: [{id: a, model: m}]
workflows:
  - {id: none}
  - {id: empty, steps: []}
  - {id: empty, name: 1, steps: [{agent: a}], model: m}
  - id: steps
    steps:
      - {}
      - a
      - {agent: b}
      - {team: a}
      - {agent: a, team: b}
      - {workflow: empty}
      - {name: only}
      - {plugin: p}
      - {plugin: P, function: "a b", config: 1}
      - {agent: a, function: f}
      - {agent: a, on_error: ignore}
      - {agent: a, retries: 2}
      - {agent: a, on_error: retry, retries: 11}
      - {agent: a, name: ""}
      - {agent: a, name: one}
      - {agent: a, name: one}
      - {agent: a, name: 1}
      - {parallel: []}
      - {parallel: {agent: a}}
  - id: loops
    steps:
      - {loop: {steps: [{agent: a}]}}
      - {loop: {until: "true"}}
      - {loop: {steps: [{agent: a}], max_iterations: 0}}
      - {loop: {steps: [{agent: a}], max_iterations: 1001}}
      - {loop: {steps: [{agent: a}], until: true}}
      - {loop: {steps: [{agent: a}], while: "true"}}
      - {loop: a}
  - id: decisions
    steps:
      - {loop: {steps: [{agent: a}], until: "previous.done &&"}}
      - {loop: {steps: [{agent: a}], until: size(previous)}}
      - {loop: {steps: [{agent: a}], until: {plugin: p}}}
      - condition:
          if: |
            true &&
              unknown
          then: [{agent: a}]
      - {condition: {else: [{agent: a}]}}
      - {condition: {if: "${NONE}", then: [{agent: a}], else: []}}
      - {router: {select: "true", choices: [{agent: a}]}}
      - {router: {select: ""}}
`)
	want := []string{
		`line 4: workflows[0]: steps is missing`,
		`line 5: workflows[1].steps: must have at least one`,
		`line 6: workflows[2].name: must be text, not a number`,
		`line 6: workflows[2].model: unknown key; the keys here are id, name, description, steps, hooks, require_hooks, store_refused_input, output_schema, session_concurrency`,
		`line 6: workflows[2]: repeats the id empty of line 5`,
		`line 9: workflows[3].steps[0]: must have one of agent, team, plugin, parallel, loop, condition, router`,
		`line 10: workflows[3].steps[1]: must be a mapping, not text`,
		`line 11: workflows[3].steps[2].agent: "b" is not one of the agents: a`,
		`line 12: workflows[3].steps[3].team: "a" is not one of the teams; there are none`,
		`line 13: workflows[3].steps[4]: has agent and team, but can have only one of them`,
		`line 13: workflows[3].steps[4].team: "b" is not one of the teams; there are none`,
		`line 14: workflows[3].steps[5].workflow: a workflow cannot be a step of another`,
		`line 15: workflows[3].steps[6]: must have one of agent, team, plugin, parallel, loop, condition, router`,
		`line 16: workflows[3].steps[7]: function is missing`,
		`line 17: workflows[3].steps[8].plugin: "P" is not a plugin's name: small letters, digits and -, at most 63`,
		`line 17: workflows[3].steps[8].function: "a b" is not a function's name: letters, digits, - and _, at most 64`,
		`line 17: workflows[3].steps[8].config: must be a mapping, not a number`,
		`line 18: workflows[3].steps[9].function: unknown key; the keys here are name, workflow, agent, team, plugin, parallel, loop, condition, router, on_error, retries`,
		`line 19: workflows[3].steps[10].on_error: "ignore" is not one of fail, skip, retry`,
		`line 20: workflows[3].steps[11].retries: is only for on_error: retry`,
		`line 21: workflows[3].steps[12].retries: must be a whole number from 1 to 10`,
		`line 22: workflows[3].steps[13].name: must have 1 to 100 bytes and no control characters`,
		`line 24: workflows[3].steps[15].name: repeats the step's name one of line 23`,
		`line 25: workflows[3].steps[16].name: must be text, not a number`,
		`line 26: workflows[3].steps[17].parallel: must have at least one`,
		`line 27: workflows[3].steps[18].parallel: must be a list, not a mapping`,
		`line 30: workflows[4].steps[0].loop: has no end: it needs until or max_iterations`,
		`line 31: workflows[4].steps[1].loop: steps is missing`,
		`line 32: workflows[4].steps[2].loop.max_iterations: must be a whole number from 1 to 1000`,
		`line 33: workflows[4].steps[3].loop.max_iterations: must be a whole number from 1 to 1000`,
		`line 34: workflows[4].steps[4].loop.until: must be an expression as text or a plugin's function, not true or false`,
		`line 35: workflows[4].steps[5].loop: has no end: it needs until or max_iterations`,
		`line 35: workflows[4].steps[5].loop.while: unknown key; the keys here are steps, until, max_iterations`,
		`line 36: workflows[4].steps[6].loop: must be a mapping, not text`,
		`line 39: workflows[5].steps[0].loop.until: 1:17: Syntax error: mismatched input '<EOF>'`,
		`line 40: workflows[5].steps[1].loop.until: the expression gives int, not true or false`,
		`line 41: workflows[5].steps[2].loop.until: function is missing`,
		`line 43: workflows[5].steps[3].condition.if: 2:3: undeclared reference to 'unknown'`,
		`line 47: workflows[5].steps[4].condition: if is missing`,
		`line 47: workflows[5].steps[4].condition: then is missing`,
		`line 48: workflows[5].steps[5].condition.if: the environment variable NONE is not set`,
		`line 48: workflows[5].steps[5].condition.else: must have at least one`,
		`line 49: workflows[5].steps[6].router.select: the expression gives bool, not a string or a list of strings`,
		`line 50: workflows[5].steps[7].router.select: the expression is empty`,
		`line 50: workflows[5].steps[7].router: choices is missing`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Steps have the names they are given, and those they get.
func TestUnknownStepsOfExpressions(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `models: {m: {provider: echo}}
agents: [{id: a, model: m}]
workflows:
  - id: w
    steps:
      - {agent: a, name: short}
      - condition: {if: 'steps.a == "" && steps["a-2"] != "" && "x" in steps', then: [{agent: a}, {agent: a}]}
      - condition: {if: steps.shrot == steps.short, then: [{agent: a, name: last}]}
      - loop: {steps: [{agent: a, name: again}], until: 'steps["agian"] == "" || steps.loop == steps.A'}
      - router: {select: "[steps.none]", choices: [{agent: a, name: only}]}
  - {id: v, steps: [{agent: b}, {condition: {if: steps.b == "", then: [{agent: a}]}}]}
`)
	const known = "which is not one of the steps: a, a-2, again, condition, condition-2, last, loop, only, router, short"
	want := []string{
		`line 8: workflows[0].steps[2].condition.if: reads "shrot", ` + known,
		`line 9: workflows[0].steps[3].loop.until: reads "A", ` + known,
		`line 9: workflows[0].steps[3].loop.until: reads "agian", ` + known,
		`line 10: workflows[0].steps[4].router.select: reads "none", ` + known,
		`line 11: workflows[1].steps[0].agent: "b" is not one of the agents: a`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestBoundsOfWorkflows(t *testing.T) {
	t.Parallel()
	file := func(steps string) string {
		return "models: {m: {provider: echo}}\nagents: [{id: a, model: m}]\nworkflows: [{id: w, steps: [" + steps + "]}]\n"
	}
	nested := func(depth int) string {
		return file(strings.Repeat("{parallel: [", depth-1) + "{agent: a}" + strings.Repeat("]}", depth-1))
	}
	many := func(count int) string { return file(strings.Repeat("{agent: a}, ", count)) }
	for name, text := range map[string]string{"8 levels": nested(8), "200 steps": many(200)} {
		if _, err := parse([]byte(text), "/", Options{LookupEnv: env(nil)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]string{
		nested(9): "line 3: workflows[0].steps[0]" + strings.Repeat(".parallel[0]", 7) + ".parallel: steps nest at most 8 levels",
		many(250): fmt.Sprintf("line 3: workflows[0].steps[%d]: a workflow has at most 200 steps", maxSteps),
	} {
		if diff := cmp.Diff([]string{want}, problemsOf(t, text)); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
}
