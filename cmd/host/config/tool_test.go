package config

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

func TestTools(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte(`models: {m: {provider: echo}}
agents:
  - id: a
    model: m
    tool_call_limit: 7
    tools:
      - {plugin: weather}
      - plugin: notes
        functions: [read, write]
        config: {folder: "${DIR}"}
        timeout: 5s
        idempotent: [read]
      - mcp: {command: [server, --verbose], env: {TOKEN: "${TOKEN}"}}
        tools: [list files]
        timeout: 1h
        idempotent: [list files]
      - mcp: {url: "https://example.com/mcp?x=1", headers: {Authorization: "Bearer ${TOKEN}"}}
`), "/", Options{LookupEnv: env(map[string]string{"DIR": "/notes", "TOKEN": "t"})})
	if err != nil {
		t.Fatal(err)
	}
	want := []host.ToolRef{{Plugin: "weather"}, {
		Plugin: "notes", Only: []string{"read", "write"}, Config: json.RawMessage(`{"folder":"/notes"}`),
		Timeout: 5 * time.Second, Idempotent: []string{"read"},
	}, {
		MCP:     &host.MCPServer{Command: []string{"server", "--verbose"}, Env: map[string]string{"TOKEN": "t"}},
		Only:    []string{"list files"},
		Timeout: time.Hour, Idempotent: []string{"list files"},
	}, {
		MCP: &host.MCPServer{URL: "https://example.com/mcp?x=1", Headers: map[string]string{"Authorization": "Bearer t"}},
	}}
	if diff := cmp.Diff(want, c.Agents[0].Tools); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	if got := c.Agents[0].ToolCallLimit; got != 7 {
		t.Errorf("tool call limit = %d, want 7", got)
	}
}

func TestProblemsOfTools(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `models: {m: {provider: echo}}
agents:
  - id: a
    model: m
    tool_call_limit: 0
    tools:
      - {}
      - weather
      - {plugin: a, mcp: {url: "http://x"}}
      - {plugin: Weather, functions: [], timeout: 2h, idempotent: now}
      - {plugin: a, functions: [one, one, "", 1], idempotent: [two]}
      - {plugin: b, tools: [one], config: []}
      - {mcp: {command: [], url: "http://x"}}
      - {mcp: {command: [], env: {1A: a, B: 2}}, functions: [one]}
      - {mcp: {command: [""], headers: {A: b}}}
      - {mcp: {url: "ftp://u:secret@x", headers: {"a b": c, d: "secret\nx"}}}
      - {mcp: {}}
  - {id: b, model: m, tools: {plugin: a}}
`)
	want := []string{
		`line 5: agents[0].tool_call_limit: must be a whole number from 1 to 1000`,
		`line 7: agents[0].tools[0]: must have one of plugin, mcp`,
		`line 8: agents[0].tools[1]: must be a mapping, not text`,
		`line 9: agents[0].tools[2]: has plugin and mcp, but can have only one of them`,
		`line 10: agents[0].tools[3].plugin: "Weather" is not a plugin's name: small letters, digits and -, at most 63`,
		`line 10: agents[0].tools[3].functions: must have at least one`,
		`line 10: agents[0].tools[3].timeout: must be at most 1h0m0s`,
		`line 10: agents[0].tools[3].idempotent: must be a list, not text`,
		`line 11: agents[0].tools[4].functions[1]: repeats one`,
		`line 11: agents[0].tools[4].functions[2]: must not be empty`,
		`line 11: agents[0].tools[4].functions[3]: must be text, not a number`,
		`line 11: agents[0].tools[4].idempotent: "two" is not one of one`,
		`line 12: agents[0].tools[5].config: must be a mapping, not a list`,
		`line 12: agents[0].tools[5].tools: unknown key; the keys here are plugin, mcp, functions, config, timeout, idempotent`,
		`line 13: agents[0].tools[6].mcp: has command and url, but can have only one of them`,
		`line 14: agents[0].tools[7].mcp.command: must have at least one`,
		`line 14: agents[0].tools[7].mcp.env.1A: is not a variable's name`,
		`line 14: agents[0].tools[7].mcp.env.B: must be text, not a number`,
		`line 14: agents[0].tools[7].functions: unknown key; the keys here are plugin, mcp, tools, timeout, idempotent`,
		`line 15: agents[0].tools[8].mcp.command[0]: names no program`,
		`line 15: agents[0].tools[8].mcp.headers: unknown key; the keys here are command, url, env`,
		`line 16: agents[0].tools[9].mcp.url: must be an http or https URL without user and fragment`,
		`line 16: agents[0].tools[9].mcp.headers.a b: is not a header's name`,
		`line 16: agents[0].tools[9].mcp.headers.d: must be text without line breaks and other control characters`,
		`line 17: agents[0].tools[10].mcp: must have one of command, url`,
		`line 18: agents[1].tools: must be a list, not a mapping`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Names that must clash are found before anything runs.
func TestToolsOfOneSource(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `models: {m: {provider: echo}}
agents:
  - id: a
    model: m
    tools:
      - {plugin: p, functions: [one, two]}
      - {plugin: p, functions: [three]}
      - {plugin: q}
      - {mcp: {command: [s]}}
      - {mcp: {command: [s], env: {A: b}}}
      - {mcp: {url: "http://x"}, tools: [one]}
      - {plugin: p, functions: [four, two], config: {a: 1}}
      - {plugin: q, functions: [one]}
      - {mcp: {command: [s]}, timeout: 1s}
      - {mcp: {url: "http://x"}, tools: [two]}
      - {plugin: p}
  - {id: b, model: m, tools: [{plugin: p}]}
`)
	var want []string
	for _, lines := range [][3]int{{12, 6, 6}, {13, 7, 8}, {14, 8, 9}, {16, 10, 6}} {
		want = append(want, fmt.Sprintf("line %d: agents[0].tools[%d]: repeats tools of line %d: entries of one source must each name their own",
			lines[0], lines[1], lines[2]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
