package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	scripted "github.com/snaphook-dev/snaphook/host/model/script"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// agentOSScript is the model of the tests below.
const agentOSScript = `
- when: {agent: basic-agent, contains: weather, turn: 1}
  respond: {tool_calls: [{name: get_weather, args: {city: Paris}}]}
- when: {agent: team-1, turn: 1}
  respond: {tool_calls: [{name: delegate_task_to_member, args: {member_id: basic-member, task: say hi to the member}}]}
- respond: {content: Hello from fake}
  chunks: 3
`

// timed is a model that counts the time of what it says.
type timed struct{ model.Model }

func (m timed) Generate(ctx context.Context, req model.Request, delta func(string) error) (model.Response, error) {
	said, err := m.Model.Generate(ctx, req, delta)
	if said.Content != "" {
		said.Usage.TimeToFirstToken = 0.25
	}
	return said, err
}

// callable is a tool that always answers the same.
type callable struct {
	host.ToolDefinition
	answer string
}

func (c callable) Definition() host.ToolDefinition { return c.ToolDefinition }

func (c callable) Call(context.Context, host.ToolInvocation) (host.ToolResult, error) {
	return host.ToolResult{Value: host.TextContent(c.answer)}, nil
}

// functions are the tools of one plugin.
type functions []callable

func (f functions) Tools(_ context.Context, refs []host.ToolRef) ([]host.Tool, error) {
	var tools []host.Tool
	for _, ref := range refs {
		for _, c := range f {
			if slices.Contains(ref.Only, c.Name) {
				tools = append(tools, c)
			}
		}
	}
	return tools, nil
}

// allowing has a blocking hook that allows bound at each of the points.
type allowing []pluginapi.Point

func (p allowing) Resolve(c host.Component, _ host.Origin) []host.BoundPlugin {
	if c.Kind == host.KindWorkflow {
		return nil
	}
	bound := host.BoundPlugin{
		Binding: host.Binding{Plugin: "check"}, Plugin: &host.Plugin{Name: "check", Version: "1.0.0", Digest: "sha256:00"},
	}
	for _, point := range p {
		bound.Plugin.Manifest.Hooks = append(bound.Plugin.Manifest.Hooks,
			pluginapi.Hook{Name: string(point), Export: string(point), Point: point, Mode: pluginapi.ModeBlocking})
	}
	return []host.BoundPlugin{bound}
}

func (allowing) Call(context.Context, host.Call) (host.CallResult, error) {
	return host.CallResult{Output: []byte(`{"decision":"allow"}`)}, nil
}

// newAgentOS has the components whose answers testdata/agentos holds, and hooks that
// allow at the points.
func newAgentOS(t *testing.T, points ...pluginapi.Point) *live {
	t.Helper()
	return newAgentOSWith(t, allowing(points))
}

func newAgentOSWith(t *testing.T, hooks liveHooks) *live {
	t.Helper()
	m, err := scripted.Parse([]byte(agentOSScript))
	must(t, err)
	agent := host.BindingScope{Kind: host.KindAgent, ID: "basic-agent"}
	function := func(name string) host.Step {
		return host.Step{Name: name, Kind: host.StepFunction, Function: &host.StepCall{Plugin: "p", Function: "fstep"}}
	}
	return startLive(t, engine.Config{
		Models: map[string]model.Model{"default": timed{m}},
		Tools: functions{
			{answer: "sunny in Paris", ToolDefinition: host.ToolDefinition{
				Name: "get_weather", Description: "Get weather",
				Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`),
			}},
			{answer: "F", ToolDefinition: host.ToolDefinition{Name: "fstep", Parameters: json.RawMessage(`{"type":"object"}`)}},
		},
		Agents: []*host.Agent{{
			ID: "basic-agent", Name: "Basic Agent", Model: "default", Description: "d", Instructions: []string{"d"},
			Tools: []host.ToolRef{{Plugin: "p", Only: []string{"get_weather"}}},
		}, {ID: "basic-member", Name: "Basic Member", Role: "m", Model: "default", Instructions: []string{"m"}}},
		Teams: []*host.Team{{
			Agent: host.Agent{ID: "team-1", Name: "Team One", Model: "default"}, Mode: host.TeamCoordinate,
			Members: []host.BindingScope{{Kind: host.KindAgent, ID: "basic-member"}},
		}},
		Workflows: []*host.Workflow{{ID: "wf-1", Name: "WF One", Description: "wd", Steps: []host.Step{
			{Name: "s1", Kind: host.StepComponent, Component: agent},
			{Name: "par", Kind: host.StepParallel, Steps: []host.Step{function("p1"), function("p2")}},
			function("last"),
		}}},
	}, hooks)
}

// difference is where this host answers otherwise than AgentOS 2.9, and why: old, a
// regular expression, is new here, in the files whose names match in. A difference
// that is none fails the test.
type difference struct {
	in, why  string
	old, new string
}

// edit makes what AgentOS sends what this host sends.
func (d *difference) edit(t *testing.T, file, text string) string {
	t.Helper()
	if !regexp.MustCompile(d.in).MatchString(file) {
		return text
	}
	edited := regexp.MustCompile(d.old).ReplaceAllString(text, d.new)
	if edited == text {
		t.Errorf("%s: there is nothing that differs because %s", file, d.why)
	}
	return edited
}

// differences are all of them but heldBack.
var differences = []difference{
	{
		in: `^run-(team|workflow)|^run-agent.body|^session-(team|run)`, why: "a run counts what it used, its messages do not",
		old: ` metrics\{[^{}]*\} created_at`, new: ` created_at`,
	},
	{
		in: `run.*-workflow`, why: "the run of a step says which workflow it belongs to",
		old: `(parent_run_id) (content content_type model)`, new: `$1 workflow_id $2`,
	},
	{
		in: `(team|workflow)\.stream$`, why: "a run whose model answered has tools wherever it is shown",
		old: `(created_at\}\]) (input\{)`, new: `$1 tools[] $2`,
	},
	{
		in: `workflow\.stream$`, why: "the events of a step's run are in the stream already",
		old: ` events\[.*\] messages\[`, new: ` messages[`,
	},
	{
		in: `^agent|^workflow`, why: "what the model is told is not shown twice",
		old: `\s?system_message\{description\}`, new: ``,
	},
	{
		in: `^session-workflow`, why: "the session names its workflow",
		old: `^workflow_id\n`, new: "workflow_id\nworkflow_name\n",
	},
}

// withoutOutputHooks are the frames of a stream when no hook of the output is bound.
func withoutOutputHooks(frames []string) []string {
	return slices.DeleteFunc(frames, func(f string) bool { return strings.Contains(f, "PostHook") })
}

// heldBack is what becomes of a stream in which AgentOS calls the hooks of the output
// when the client has read it: the hooks come first, then what they permitted in one
// piece. Runs inside one whose hooks have yet to judge do not say anything: what may
// be denied must not have left.
func heldBack(frames []string) []string {
	team := strings.HasPrefix(frames[0], "Team")
	said := map[string][]string{} // by the prefix of the names
	var kept []string
	for _, f := range frames {
		prefix, kind, isContent := strings.Cut(nameOf(f), "RunContent")
		switch {
		case isContent && team && prefix == "":
		case isContent:
			if kind != "" || len(said[prefix]) == 0 {
				said[prefix] = append(said[prefix], f)
			}
		default:
			if prefix, ends := strings.CutSuffix(nameOf(f), "RunCompleted"); ends {
				kept = append(kept, said[prefix]...)
			}
			kept = append(kept, f)
		}
	}
	return kept
}

func nameOf(frame string) string {
	name, _, _ := strings.Cut(frame, " ")
	return name
}

func TestAgentOSStreams(t *testing.T) {
	t.Parallel()
	for file, ask := range map[string][]string{
		"run-agent.stream":    {"/agents/basic-agent/runs", "message=what is the weather", "session_id=s2"},
		"run-team.stream":     {"/teams/team-1/runs", "message=delegate this", "session_id=t1", "user_id=u1"},
		"run-workflow.stream": {"/workflows/wf-1/runs", "message=hello wf", "session_id=w1"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			l := newAgentOS(t, pluginapi.PointInput)
			got := streamStructure(t, l.answer(t, http.StatusOK, "POST", ask[0], ask[1:]...))
			wantStructure(t, file, got, withoutOutputHooks)
			l = newAgentOS(t, pluginapi.PointInput, pluginapi.PointOutput)
			got = streamStructure(t, l.answer(t, http.StatusOK, "POST", ask[0], ask[1:]...))
			wantStructure(t, file, got, heldBack)
		})
	}
}

// TestAgentOSLiterals: values that clients show, or tell kinds apart by.
func TestAgentOSLiterals(t *testing.T) {
	t.Parallel()
	l := newAgentOS(t)
	for path, literals := range map[string][]string{
		"/agents/basic-agent/runs": {
			`"tool_call_error":null,"result":null,"metrics":null,"child_run_id":null,`,
			`"content":"get_weather(city=Paris) completed in 0.`,
			`"tool_call_error":false,"result":"sunny in Paris","metrics":{"start_time":`,
			`"content":"Hello","workflow_agent":false,"content_type":"str","reasoning_content":""`,
		},
		"/teams/team-1/runs": {
			`"content":"delegate_task_to_member(member_id=basic-member, task=say hi to the member) completed in 0.`,
			`"result":"Hello from fake"`, `"child_run_id":"`, `"nested_depth":0,"content":"Hello","content_type":"str"`,
			`"event":"TeamRunCompleted"`, `"role":"system"`,
		},
		"/workflows/wf-1/runs": {
			`"step_index":0`, `"step_index":[1,0]`, `"step_index":[1,1]`, `"parallel_step_count":2`,
			`"step_type":"Parallel","executor_type":"parallel","executor_name":"par","step_run_id":null`,
			`"step_type":"Step","executor_type":"agent","executor_name":"Basic Agent","step_run_id":"`,
			`"content":"## Parallel Execution Results\n\n### ✅ SUCCESS: p1\nF\n\n### ✅ SUCCESS: p2\nF"`,
			`"success":true,"error":null,"stop":false,"is_paused":false,"steps":null,"requires_iteration_review_pause":false}`,
			`"metrics":{"steps":{"s1":{"step_name":"s1","executor_type":"agent","executor_name":"Basic Agent","metrics":{`,
		},
	} {
		stream := l.answer(t, http.StatusOK, "POST", path, "message=what is the weather")
		for _, want := range literals {
			if !strings.Contains(stream, want) {
				t.Errorf("%s: no %s in\n%s", path, want, stream)
			}
		}
	}
}

func TestAgentOSBodies(t *testing.T) {
	t.Parallel()
	l := newAgentOS(t, pluginapi.PointInput, pluginapi.PointOutput)
	for _, want := range []struct{ file, method, path, form string }{
		{"agent.body", "GET", "/agents/basic-agent", ""},
		{"team.body", "GET", "/teams/team-1", ""},
		{"workflow.body", "GET", "/workflows/wf-1", ""},
		{"run-agent.body", "POST", "/agents/basic-agent/runs", `message=what is the weather&session_id=s1&user_id=u1&session_state={"a":1}&metadata={"m":1}&run_id=r1`},
		{"run-team.body", "POST", "/teams/team-1/runs", "message=delegate this&session_id=t2&run_id=r2"},
		{"run-workflow.body", "POST", "/workflows/wf-1/runs", "message=hello wf&session_id=w2&run_id=r3"},
		{"session-run.body", "GET", "/sessions/s1/runs/r1", ""},
		{"session-team.body", "GET", "/sessions/t2?type=team", ""},
		{"session-workflow.body", "GET", "/sessions/w2", ""},
		{"session-runs-team.body", "GET", "/sessions/t2/runs", ""},
		{"session-runs-workflow.body", "GET", "/sessions/w2/runs", ""},
	} {
		form := []string{"stream=false"}
		if want.form != "" {
			form = append(form, strings.Split(want.form, "&")...)
		}
		wantStructure(t, want.file, bodyStructure(t, l.answer(t, http.StatusOK, want.method, want.path, form...)), nil)
	}
}

// wantStructure compares with what AgentOS sends, but for the known differences.
func wantStructure(t *testing.T, file string, got []string, change func([]string) []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "agentos", file))
	must(t, err)
	text := strings.TrimSpace(string(data))
	for i := range differences {
		text = differences[i].edit(t, file, text)
	}
	want := strings.Split(text, "\n")
	if change != nil {
		want = change(want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-AgentOS, but for the differences, +got):\n%s", file, diff)
	}
}
