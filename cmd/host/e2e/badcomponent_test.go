package e2e

import (
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestBadComponents: a configuration that makes no sense is told what is wrong, and
// where.
func TestBadComponents(t *testing.T) {
	t.Parallel()
	const models = "models:\n  default: {provider: openai, id: echo-1, offline: echo}\nagents: [{id: a, model: default}]\n"
	tests := map[string]struct {
		more string
		says []string
	}{
		"a team that contains itself": {
			"teams: [{id: t, model: default, members: [a, t]}]\n", []string{"line 4", "teams[0].members[1]", "contains itself: t > t"},
		},
		"teams that contain each other": {
			"teams: [{id: t, model: default, members: [u]}, {id: u, model: default, members: [t]}]\n",
			[]string{"contains itself: t > u > t"},
		},
		"a team of nobody":          {"teams: [{id: t, model: default, members: []}]\n", []string{"teams[0].members", "at least one"}},
		"an unknown member":         {"teams: [{id: t, model: default, members: [b]}]\n", []string{`"b" is neither an agent nor a team`}},
		"a step that names nothing": {"workflows: [{id: w, steps: [{name: s}]}]\n", []string{"workflows[0].steps[0]", "must have one of"}},
		"a step that names nobody":  {"workflows: [{id: w, steps: [{agent: b}]}]\n", []string{"workflows[0].steps[0].agent", `"b"`}},
		"a loop without an end": {
			"workflows: [{id: w, steps: [{loop: {steps: [{agent: a}]}}]}]\n", []string{"steps[0].loop", "has no end"},
		},
		"an expression that does not compile": {
			"workflows: [{id: w, steps: [{condition: {if: 'previous ==', then: [{agent: a}]}}]}]\n",
			[]string{"condition.if", "Syntax error"},
		},
		"an expression that knows too much": {
			"workflows: [{id: w, steps: [{router: {select: secrets.key, choices: [{agent: a}]}}]}]\n",
			[]string{"router.select", "undeclared reference to 'secrets'"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config{})
			s.write(t, "host.yaml", []byte(models+tt.more))
			reply{body: []byte(strings.ReplaceAll(s.refuses(t, "config", "check", "host.yaml"), "host.yaml:", "line "))}.says(t, tt.says...)
		})
	}
}

// TestToolUsedTwice: two sources that offer one name are an error at the start.
func TestToolUsedTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{
		agents: []string{"{id: agent, model: default, tools: [{plugin: one}, {plugin: two}]}"},
		more:   "plugins: {dir: plugins}\n",
	})
	for _, name := range []string{"one", "two"} {
		s.put(t, newToolPlugin(t, name, "", function{name: "work", does: guesttest.Answers("done")}))
	}
	said := s.refuses(t, "serve", "--config", "host.yaml", "--listen", "127.0.0.1:0")
	reply{body: []byte(said)}.says(t, "agent", `"work"`, `"one"`, `"two"`)
}

// TestBadTools: an upload of tools that are none is refused with every reason.
func TestBadTools(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	work := function{name: "work", does: guesttest.Answers("done")}
	with := func(f function, old, new string) plugin {
		tools := newToolPlugin(t, "tools", "", f)
		tools.manifest = strings.Replace(tools.manifest, old, new, 1)
		return tools
	}
	tests := []struct {
		name   string
		plugin plugin
		says   []string
	}{
		{"a name for no model", with(work, "name: work", "name: 'do it'"), []string{"tools[0].name"}},
		{"no description", with(work, "Does work.", "''"), []string{"tools[0].description"}},
		{"arguments without names", with(work, "type: object", "type: string"), []string{"tools[0].parameters", "object"}},
		{"a schema that is none", with(work, "properties: {}", "properties: {a: {type: texts}}"), []string{"tools[0].parameters"}},
		{"a schema from elsewhere", with(work, "properties: {}", `properties: {a: {$ref: "https://example.com/a"}}`), []string{"tools[0].parameters"}},
		{"a missing export", with(work, "description:", "export: wrok\n    description:"), []string{"wrok"}},
		{"an export with a parameter", with(function{name: "work", does: guesttest.TakesParameter()}, "", ""), []string{"work", "parameters"}},
		{"a typo", with(work, "description:", "idempotant: true\n    description:"), []string{"line", "idempotant"}},
		{"one name twice", newToolPlugin(t, "tools", "", work, work), []string{"tools[1].name", "work"}},
		{"no end", with(work, "description:", "timeout: 1000h\n    description:"), []string{"tools[0].timeout"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.upload(t, tt.plugin).want(t, 422).says(t, tt.says...)
		})
	}
	p.get(t, "/plugins").want(t, 200).says(t, `"data":[]`)
}

// TestBadToolCalls: what a tool is asked or answers that it must not is told to the
// model, and a workflow whose expression takes too long says so.
func TestBadToolCalls(t *testing.T) {
	t.Parallel()
	const endless = `[1,2,3,4,5,6,7,8,9].exists(a, [1,2,3,4,5,6,7,8,9].exists(b, [1,2,3,4,5,6,7,8,9].exists(c, ` +
		`[1,2,3,4,5,6,7,8,9].exists(d, [1,2,3,4,5,6,7,8,9].exists(e, previous.size() == a * b * c * d * e - 7)))))`
	s := newSite(t, config{
		model:  openai(newObedient(t).BaseURL()),
		agents: []string{"{id: agent, model: default, tools: [{plugin: tools}]}"},
		more: "workflows:\n  - {id: endless, steps: [{plugin: tools, function: fine}, {name: again, loop: {steps: [{plugin: tools, function: fine}], until: '" + endless + "'}}]}\n" +
			"plugins: {dir: plugins}\n",
	})
	s.put(t, newToolPlugin(t, "tools", "limits: {memory: 64MiB}\n",
		function{name: "fine", does: guesttest.Answers("fine")},
		function{"picky", []string{takes("text")}, guesttest.Answers("fine")},
		function{name: "huge", does: guesttest.Outputs(50 << 20)},
		function{name: "traps", does: guesttest.Traps()},
		function{name: "loops", fields: []string{"timeout: 500ms"}, does: guesttest.Loops()},
		function{name: "refuses", does: guesttest.Fails("Not with me.")}))
	p := s.start(t)
	tests := []struct{ call, says string }{
		{`picky {"text":1}`, "do not fit the tool's schema: text"},
		{`picky {}`, "text"},
		{`picky {"text"`, "not a JSON object"},
		{`ghost {}`, `There is no tool "ghost".`},
		{`huge {}`, "bytes"},
		{`traps {}`, "The tool failed"},
		{`loops {}`, "500ms"},
		{`refuses {}`, "Not with me."},
	}
	for _, tt := range tests {
		got := p.run(t, "agent", form{"message": tt.call})
		if got.Status != "COMPLETED" || !strings.Contains(string(got.Content), tt.says) || len(got.Tools) != 1 || !got.Tools[0].Error {
			t.Errorf("%s: the run is %s with %q and %+v", tt.call, got.Status, got.Content, got.Tools)
		}
	}
	got := p.run(t, "workflows/endless", form{"message": "hello"})
	const tooMuch = "The step again failed: the expression " // does too much, or takes too long
	if got.Status != "ERROR" || got.ErrorType != "step_error" || got.ErrorID != "again" || !strings.HasPrefix(string(got.Content), tooMuch) {
		t.Errorf("the endless workflow is %s with %s %s %q", got.Status, got.ErrorType, got.ErrorID, got.Content)
	}
	for path, says := range map[string]string{"teams/ghost": "Team not found", "workflows/ghost": "Workflow not found"} {
		p.ask(t, path, form{"message": "x"}).want(t, 404).says(t, says)
		p.get(t, home(path)).want(t, 404).says(t, says)
		p.putHooks(t, home(path)+"/hooks").want(t, 404).says(t, says)
	}
	p.mustStaySmall(t, 768)
}
