package pluginapi_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// toolManifest returns a valid manifest with tools alone.
func toolManifest() pluginapi.Manifest {
	schema := json.RawMessage(`{"type":"object","properties":{"a":{"type":"number"}}}`)
	return pluginapi.Manifest{
		ManifestVersion: pluginapi.ManifestVersion, Name: "calculator", Version: "1.0.0",
		Tools: []pluginapi.ToolFunction{
			{Name: "add", Export: "plus", Description: "Adds.", Parameters: schema, Idempotent: true, Timeout: pluginapi.Duration(time.Minute)},
			{Name: "2-divide", Description: "Divides.", Parameters: schema},
		},
		Tests: []pluginapi.Test{
			{Tool: "add", Arguments: json.RawMessage(`{"a":1}`), Want: json.RawMessage(`{"result":null}`)},
			{Tool: "2-divide", Arguments: json.RawMessage(`{"a":0}`), Want: json.RawMessage(`{"error":"zero"}`)},
		},
	}
}

func TestToolsAreValid(t *testing.T) {
	t.Parallel()
	m := toolManifest()
	if problems := m.Validate(); problems != nil {
		t.Errorf("problems: %v", problems)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if !accepts(t, compile(t, pluginapi.ManifestSchema()), string(data)) {
		t.Errorf("the schema refuses %s", data)
	}
	var again pluginapi.Manifest
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
	if got := m.WithDefaults().Tools[1].Export; got != "2-divide" || m.Tools[1].Export != "" {
		t.Errorf("export is %q", got)
	}
	m.ABI, m.Tools[0].Export = pluginapi.ABIWASICommand, ""
	if got := m.WithDefaults().Tools[0].Export; got != pluginapi.ExportStart || m.Validate() != nil {
		t.Errorf("export of a command is %q: %v", got, m.Validate())
	}
}

func TestToolProblems(t *testing.T) {
	t.Parallel()
	type m = pluginapi.Manifest
	for want, change := range map[string]func(*m){
		"hooks: needs at least one hook, or tools":   func(m *m) { m.Tools, m.Tests = nil, nil },
		"tools: must be at most 100":                 func(m *m) { m.Tools = manyTools(101) },
		"tools[0].name: must match [A-Za-z0-9_-]+":   func(m *m) { m.Tools[0].Name = "a.b"; m.Tests = nil },
		"tools[1].name: must match":                  func(m *m) { m.Tools[1].Name = strings.Repeat("a", 65); m.Tests = nil },
		"tools[1].name: \"add\" is used":             func(m *m) { m.Tools[1].Name = "add"; m.Tests = nil },
		"tools[0].export: _start is only":            func(m *m) { m.Tools[0].Export = "_start" },
		"tools[0].description: is missing":           func(m *m) { m.Tools[0].Description = " " },
		"tools[0].parameters: is missing":            func(m *m) { m.Tools[0].Parameters = nil },
		"tools[0].parameters: must be an object":     func(m *m) { m.Tools[0].Parameters = json.RawMessage(`true`) },
		"tools[0].parameters.type: must be object":   func(m *m) { m.Tools[0].Parameters = json.RawMessage(`{"Type":"object"}`) },
		"tools[1].parameters.type: must be object":   func(m *m) { m.Tools[1].Parameters = json.RawMessage(`{"type":["object"]}`) },
		"tools[0].timeout: must be at most 1m0s":     func(m *m) { m.Tools[0].Timeout++ },
		"tools[0].timeout: must be positive":         func(m *m) { m.Tools[0].Timeout = -1 },
		"tests[0].tool: the plugin has no tool":      func(m *m) { m.Tests[0].Tool = "plus" },
		"tests[0].arguments: is missing":             func(m *m) { m.Tests[0].Arguments = nil },
		"tests[0].hook: a test has a hook and":       func(m *m) { m.Tests[0].Context = json.RawMessage(`{}`) },
		"tests[0].want: must have the member result": func(m *m) { m.Tests[0].Want = json.RawMessage(`{"result":1,"error":"x"}`) },
		"tests[1].want: must have the member result": func(m *m) { m.Tests[1].Want = json.RawMessage(`{"error":1}`) },
		"tests[0].want: must be an object":           func(m *m) { m.Tests[0].Want = json.RawMessage(`3`) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			m := toolManifest()
			change(&m)
			problems := m.Validate()
			if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
				t.Errorf("problems are %v", problems)
			}
		})
	}
}

func manyTools(n int) []pluginapi.ToolFunction {
	all := make([]pluginapi.ToolFunction, n)
	for i := range all {
		all[i] = toolManifest().Tools[1]
		all[i].Name += strings.Repeat("a", i/10) + string(rune('a'+i%10))
	}
	all[0], all[1] = toolManifest().Tools[0], toolManifest().Tools[1]
	return all
}
