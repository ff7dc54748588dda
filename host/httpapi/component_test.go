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

// TestRunsOfComponents: the form of a run is the same for all kinds, in both
// encodings.
func TestRunsOfComponents(t *testing.T) {
	t.Parallel()
	const boundary = "multipart/form-data; boundary=b"
	parts := "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhi\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\nfalse\r\n--b--\r\n"
	for path, want := range map[string]host.Component{
		"/agents/plain-agent": {Kind: host.KindAgent, ID: "plain-agent", Name: "Plain"},
		"/teams/team":         {Kind: host.KindTeam, ID: "team", Name: "Team"},
		"/workflows/flow":     {Kind: host.KindWorkflow, ID: "flow", Name: "Flow"},
	} {
		for contentType, body := range map[string]string{urlEncoded: "message=hi&stream=false", boundary: parts} {
			f := fixture{}
			f.engine.withOthers()
			if w := f.ask(t, http.MethodPost, path+"/runs", contentType, body); w.Code != http.StatusOK {
				t.Errorf("%s: answer %d %s", path, w.Code, w.Body)
			}
			if got := f.engine.request(t); got.Component != want || string(got.Input) != `"hi"` {
				t.Errorf("%s: request %+v", path, got)
			}
		}
		f := fixture{}
		f.engine.withOthers()
		w := f.ask(t, http.MethodPost, path+"/runs", urlEncoded, "stream=maybe&session_state=7")
		for _, field := range []string{"message", "stream", "session_state"} {
			if !strings.Contains(w.Body.String(), `"loc":["body","`+field+`"]`) || w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: answer %d %s", path, w.Code, w.Body)
			}
		}
	}
}

// TestRunThatGoesOn: what a run has said so far is not shown before hooks have seen
// all of it.
func TestRunThatGoesOn(t *testing.T) {
	t.Parallel()
	for path, kind := range map[string]host.ComponentKind{
		"/agents/plain-agent": host.KindAgent, "/teams/team": host.KindTeam, "/workflows/flow": host.KindWorkflow,
	} {
		run := runningRun()
		run.Component.Kind, run.Component.ID = kind, path[strings.LastIndex(path, "/")+1:]
		run.Messages = completedRun().Messages
		run.Tools = []host.ToolExecution{{ToolCall: host.ToolCall{ID: "secret"}}}
		run.Steps = []host.StepOutput{{Name: "secret"}}
		f := fixture{runs: fakeRuns{runs: map[string]host.Run{run.ID: run}}}
		f.engine.withOthers()
		f.engine.children = map[string][]host.Run{run.ID: {completedRun()}}
		body := f.get(t, path+"/runs/"+run.ID+"?session_id="+run.SessionID).Body.String()
		if !strings.Contains(body, `"status":"RUNNING"`) || strings.Contains(body, "secret") || strings.Contains(body, "Hello") {
			t.Errorf("%s: %s", path, body)
		}
		if kind == host.KindWorkflow && !strings.Contains(body, `"metrics":{"steps":{}`) {
			t.Errorf("%s: no steps: %s", path, body)
		}
	}
}

// TestSubscribed: clients of a workflow are told of no subscription.
func TestSubscribed(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/agents/plain-agent": "Subscribed to agent run. ", "/teams/team": "Subscribed to team run. ", "/workflows/flow": "",
	} {
		run := runningRun()
		run.Component = host.Component{Kind: collections[strings.Split(path, "/")[1]], ID: path[strings.LastIndex(path, "/")+1:]}
		f := resumed(run, 1)
		f.engine.withOthers()
		f.engine.stream = []host.Event{{Kind: host.EventRunStarted, Run: &run}}
		body := f.ask(t, http.MethodPost, path+"/runs/"+run.ID+"/resume", urlEncoded, "").Body.String()
		if strings.Contains(body, "Subscribed") != (want != "") || !strings.Contains(body, want) || !strings.Contains(body, "Started") {
			t.Errorf("%s: %s", path, body)
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
