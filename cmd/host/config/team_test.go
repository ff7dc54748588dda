package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

func TestTeams(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte(`models: {m: {provider: echo}}
agents:
  - {id: writer, model: m}
  - {id: both, model: m}
teams:
  - id: research
    name: Research
    description: finds out
    role: lead
    instructions: Ask everyone.
    model: m
    mode: broadcast
    members: [writer, {team: both}, later]
    hooks: [{plugin: notifier}]
    tools: [{plugin: notes}]
    output_schema: {type: object}
    session_concurrency: parallel
  - {id: both, model: m, members: [{agent: writer}]}
  - {id: later, model: m, mode: route, members: [both]}
`), "/", Options{LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	agent := func(id string) host.BindingScope { return host.BindingScope{Kind: host.KindAgent, ID: id} }
	team := func(id string) host.BindingScope { return host.BindingScope{Kind: host.KindTeam, ID: id} }
	want := []host.Team{{
		Agent: host.Agent{
			ID: "research", Name: "Research", Description: "finds out", Role: "lead",
			Instructions: []string{"Ask everyone."}, Model: "m", HistoryRuns: DefaultHistoryRuns,
			Hooks:        []host.Binding{{Plugin: "notifier", Source: host.SourceConfig}},
			Tools:        []host.ToolRef{{Plugin: "notes"}},
			OutputSchema: []byte(`{"type":"object"}`), ParallelSessions: true,
		},
		Mode: host.TeamBroadcast, Members: []host.BindingScope{agent("writer"), team("both"), team("later")},
	}, {
		Agent: host.Agent{ID: "both", Name: "both", Model: "m", HistoryRuns: DefaultHistoryRuns},
		Mode:  host.TeamCoordinate, Members: []host.BindingScope{agent("writer")},
	}, {
		Agent: host.Agent{ID: "later", Name: "later", Model: "m", HistoryRuns: DefaultHistoryRuns},
		Mode:  host.TeamRoute, Members: []host.BindingScope{agent("both")},
	}}
	if diff := cmp.Diff(want, c.Teams); diff != "" {
		t.Errorf("teams (-want +got):\n%s", diff)
	}
}

func TestProblemsOfTeams(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `models: {m: {provider: echo}}
agents:
  - {id: a, model: m}
teams:
  - {id: none, model: m}
  - {id: empty, model: m, members: []}
  - {id: empty, model: z, members: a, mode: vote}
  - {model: m, members: [a]}
  - id: wrong
    model: m
    members:
      - nobody
      - {agent: empty}
      - {team: a}
      - {agent: a, team: empty}
      - {workflow: w}
      - 1
      - {}
  - {id: twice, model: m, members: [a, {agent: a}]}
  - {id: itself, model: m, members: [a, itself]}
  - {id: x, model: m, members: [{team: y}]}
  - {id: y, model: m, members: [a, z]}
  - id: z
    model: m
    members:
      - x
      - itself
  - {id: odd, model: m, members: [a], leader: a}
workflows: []
`)
	want := []string{
		`line 5: teams[0]: members is missing`,
		`line 6: teams[1].members: must have at least one`,
		`line 7: teams[2].model: "z" is not one of the models: m`,
		`line 7: teams[2].mode: "vote" is not one of coordinate, route, broadcast`,
		`line 7: teams[2]: repeats the id empty of line 6`,
		`line 7: teams[2].members: must be a list, not text`,
		`line 8: teams[3]: id is missing`,
		`line 12: teams[4].members[0]: "nobody" is neither an agent nor a team`,
		`line 13: teams[4].members[1].agent: "empty" is not one of the agents: a`,
		`line 14: teams[4].members[2].team: "a" is not one of the teams: none, empty, wrong, twice, itself, x, y, z, odd`,
		`line 15: teams[4].members[3]: has agent and team, but can have only one of them`,
		`line 16: teams[4].members[4]: must have one of agent, team`,
		`line 16: teams[4].members[4].workflow: unknown key; the keys here are agent, team`,
		`line 17: teams[4].members[5]: must be a mapping, not a number`,
		`line 18: teams[4].members[6]: must have one of agent, team`,
		`line 19: teams[5].members[1]: repeats the id a of line 19`,
		`line 20: teams[6].members[1]: the team itself contains itself: itself > itself`,
		`line 26: teams[9].members[0]: the team x contains itself: x > y > z > x`,
		`line 28: teams[10].leader: unknown key; the keys here are id, name, description, role, instructions, markdown, model, hooks, require_hooks, store_refused_input, num_history_runs, add_history_to_context, output_schema, session_concurrency, tools, tool_call_limit, mode, members`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
