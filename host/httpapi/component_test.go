package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

// TestComponentRoutes: all kinds have the same routes, and each says what is not
// found in its own name.
func TestComponentRoutes(t *testing.T) {
	t.Parallel()
	for collection, want := range map[string]string{
		"/agents": "Agent not found", "/teams": "Team not found", "/workflows": "Workflow not found",
	} {
		for _, route := range []string{
			"GET /nope", "GET /nope/runs?session_id=s", "POST /nope/runs", "GET /nope/runs/r?session_id=s",
			"POST /nope/runs/r/cancel", "POST /nope/runs/r/resume", "GET /nope/hooks", "PUT /nope/hooks",
		} {
			method, path, _ := strings.Cut(route, " ")
			f := fixture{}
			f.engine.withOthers()
			wantDetail(t, f.ask(t, method, collection+path, urlEncoded, "message=hi"), http.StatusNotFound, want)
		}
	}
}

// TestComponentBodies: what clients are told of teams and workflows.
func TestComponentBodies(t *testing.T) {
	t.Parallel()
	const (
		model  = `"model":{"name":"FakeModel","model":"fake-1","provider":"Fake"}`
		member = `{"id":"plain-agent","name":"Plain","db_id":"snaphook","description":"d","is_factory":false,` + model +
			`,"sessions":{"session_table":"sessions","add_history_to_context":true,"num_history_runs":3},"is_component":false}`
		team = `{"id":"team","name":"Team","db_id":"snaphook","description":"d","mode":"coordinate",` + model +
			`,"sessions":{"session_table":"sessions"},"streaming":{"stream_member_events":true},"members":[` + member +
			`],"is_factory":false,"is_component":false}`
		summary = `{"id":"flow","name":"Flow","description":"d","db_id":"snaphook","is_factory":false,"is_component":false}`
	)
	for target, want := range map[string]string{
		"/teams":      "[" + team + "]",
		"/teams/team": team,
		"/workflows":  "[" + summary + "]",
		"/workflows/flow": `{"id":"flow","name":"Flow","db_id":"snaphook","description":"d","steps":[{"name":"one","type":"Step",` +
			`"agent":` + member + `}],"workflow_agent":false,"is_factory":false,"is_component":false}`,
		"/info": `{"os_id":"snaphook","name":"Snaphook","agno_version":"2.9.0","agent_count":2,"team_count":1,` +
			`"workflow_count":1,"mcp":{"enabled":false,"path":null,"oauth":null},"auth_mode":"none"}`,
		"/teams/team/hooks":     `{"hooks":[]}`,
		"/workflows/flow/hooks": `{"hooks":[]}`,
	} {
		f := fixture{}
		f.engine.withOthers()
		wantAnswer(t, f.get(t, target), http.StatusOK, want)
	}
	f := fixture{}
	f.engine.withOthers()
	for _, want := range []string{
		`"teams":[{"id":"team","name":"Team","description":"d","db_id":"snaphook","mode":"coordinate","model":{"id":"fake-1","provider":"Fake"}}]`,
		`"workflows":[` + summary + `]`,
	} {
		if body := f.get(t, "/config").Body.String(); !strings.Contains(body, want) {
			t.Errorf("config %s, want %s", body, want)
		}
	}
}

// TestStepBodies: steps of every kind.
func TestStepBodies(t *testing.T) {
	t.Parallel()
	f := fixture{}
	f.engine.withOthers()
	function := host.Step{Name: "f", Kind: host.StepFunction, Function: &host.StepCall{Plugin: "p", Function: "f"}}
	f.engine.workflows[0].Steps = []host.Step{
		{Name: "team", Kind: host.StepComponent, Component: host.BindingScope{Kind: host.KindTeam, ID: "team"}},
		{Name: "loop", Kind: host.StepLoop, Steps: []host.Step{function}},
		{Name: "condition", Kind: host.StepCondition, Steps: []host.Step{function}, Else: []host.Step{function}},
		{Name: "router", Kind: host.StepRouter, Steps: []host.Step{function}},
	}
	var body struct {
		Steps []map[string]json.RawMessage `json:"steps"`
	}
	must(t, json.Unmarshal(f.get(t, "/workflows/flow").Body.Bytes(), &body))
	const inside = `[{"name":"f","type":"Step"}]`
	for i, want := range []struct{ kind, steps, other string }{
		{`"Step"`, "", ""}, {`"Loop"`, inside, ""}, {`"Condition"`, inside, inside}, {`"Router"`, inside, ""},
	} {
		got := body.Steps[i]
		if string(got["type"]) != want.kind || string(got["steps"]) != want.steps || string(got["else_steps"]) != want.other {
			t.Errorf("step %d is %s", i, got)
		}
	}
	if !strings.Contains(string(body.Steps[0]["team"]), `"mode":"coordinate"`) {
		t.Errorf("team %s", body.Steps[0]["team"])
	}
}

// TestToolsOfComponents: tools that cannot be found out leave the component shown.
func TestToolsOfComponents(t *testing.T) {
	t.Parallel()
	f := fixture{}
	f.engine.tools = map[host.BindingScope][]host.ToolDefinition{{Kind: host.KindAgent, ID: "plain-agent"}: {
		{Name: "add", Description: "Adds.", Parameters: json.RawMessage(`{"type":"object"}`), Idempotent: true},
	}}
	const tools = `"tools":{"tools":[{"name":"add","description":"Adds.","parameters":{"type":"object"}}]},`
	for _, target := range []string{"/agents", "/agents/plain-agent"} {
		if body := f.get(t, target).Body.String(); strings.Count(body, tools) != 1 {
			t.Errorf("%s: %s", target, body)
		}
	}
	f = fixture{}
	f.engine.toolsErr = errors.New("no such server")
	if w := f.get(t, "/agents/plain-agent"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "tools") {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if !strings.Contains(f.log.String(), "no such server") {
		t.Errorf("log %s", f.log.String())
	}
}
