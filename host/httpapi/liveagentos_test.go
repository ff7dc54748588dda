package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

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

// difference is where this host answers otherwise than AgentOS 2.9, on purpose. In
// is a part of a file's name; a difference that is none fails the test.
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
		t.Errorf("%s: there is no difference where %s", file, d.why)
	}
	return edited
}

// differences are all of them but heldBack.
var differences = []difference{
	{
		in: `^run-(team|workflow)|^run-agent.body|^session-(team|run)`, why: "messages have metrics: a run's usage is that of all its requests",
		old: ` metrics\{[^{}]*\} created_at`, new: ` created_at`,
	},
	{
		in: `run.*-workflow`, why: "runs of steps do not name their workflow",
		old: `(parent_run_id) (content content_type model)`, new: `$1 workflow_id $2`,
	},
	{
		in: `(team|workflow)\.stream$`, why: "runs inside others have no tools in a stream",
		old: `(created_at\}\]) (input\{)`, new: `$1 tools[] $2`,
	},
	{
		in: `workflow\.stream$`, why: "runs inside others repeat their events",
		old: ` events\[.*\] messages\[`, new: ` messages[`,
	},
	{
		in: `^agent|^workflow`, why: "a part of the system message is shown",
		old: `\s?system_message\{description\}`, new: ``,
	},
	{
		in: `^session-workflow`, why: "the workflow has no name",
		old: `^workflow_id\n`, new: "workflow_id\nworkflow_name\n",
	},
}

// withoutOutputHooks are the frames of a stream when no hook of the output is bound.
func withoutOutputHooks(frames []string) []string {
	return slices.DeleteFunc(frames, func(f string) bool { return strings.Contains(f, "PostHook") })
}

// heldBack is what becomes of a stream in which AgentOS calls the hooks of the output
// when the client has read it: the hooks come first, then what they permitted in one
// piece. Runs inside one whose hooks have yet to judge do not say anything.
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
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-AgentOS, but for the differences, +got):\n%s", file, diff)
	}
}

// streamStructure is, for each frame, its name and the keys of its data. Steps of a
// parallel are shown one after the other: they go on at once.
func streamStructure(t *testing.T, stream string) []string {
	t.Helper()
	frames := strings.Split(strings.TrimSpace(stream), "\n\n")
	first := slices.IndexFunc(frames, insideStep)
	if first >= 0 {
		end := first + slices.IndexFunc(frames[first:], func(f string) bool { return !insideStep(f) })
		slices.SortStableFunc(frames[first:end], func(a, b string) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	}
	for i, frame := range frames {
		name, data, _ := strings.Cut(strings.TrimPrefix(frame, "event: "), "\ndata: ")
		keys := structure(t, data)
		frames[i] = name + " " + keys[1:len(keys)-1]
	}
	return frames
}

func insideStep(frame string) bool { return strings.Contains(frame, `"parent_step_id":`) }

// placeOf is the step a frame is of, by its place.
func placeOf(frame string) string {
	_, place, _ := strings.Cut(frame, `"step_index":`)
	place, _, _ = strings.Cut(place, "]")
	return place
}

// bodyStructure has a line for each key of a body, and one before each item of a list.
func bodyStructure(t *testing.T, body string) []string {
	t.Helper()
	var items []json.RawMessage
	if json.Unmarshal([]byte(body), &items) != nil {
		return keysOf(t, json.RawMessage(body))
	}
	var lines []string
	for _, item := range items {
		lines = append(append(lines, "-"), keysOf(t, item)...)
	}
	return lines
}

// structure is a JSON document without its values: {key key{…} key[…]}.
func structure(t *testing.T, doc string) string {
	t.Helper()
	raw := json.RawMessage(doc)
	switch doc[0] {
	case '{':
		return "{" + strings.Join(keysOf(t, raw), " ") + "}"
	case '[':
		var items []json.RawMessage
		must(t, json.Unmarshal(raw, &items))
		all := make([]string, len(items))
		for i, item := range items {
			all[i] = cmp.Or(structure(t, string(item)), "_")
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return ""
}

// opaque are the keys whose values are somebody else's.
var opaque = []string{"session_state", "metadata", "tool_args", "parameters"}

// keysOf are the keys of an object, in their order, with what is in them.
func keysOf(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	members := json.NewDecoder(strings.NewReader(string(raw)))
	_, err := members.Token()
	must(t, err)
	keys := []string{}
	for members.More() {
		name, err := members.Token()
		must(t, err)
		var value json.RawMessage
		must(t, members.Decode(&value))
		key := name.(string)
		if !slices.Contains(opaque, key) {
			key += structure(t, string(value))
		}
		keys = append(keys, key)
	}
	return keys
}
