package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestHostileServers: an MCP server that hangs, floods, answers garbage, dies or says
// too much spoils its own call; the next one, on the same server, is answered.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	tests := []struct{ tool, timeout, says string }{
		{"hang", "2s", "did not answer within 2s"},
		{"flood", "1m", "it sends more than anybody reads"},
		{"garbage", "1m", "The tool failed"},
		{"die", "1m", "The tool failed"},
		{"huge", "1m", "bytes"},
		{"refuse", "1m", "I would rather not."},
	}
	agents := []string{}
	for _, tt := range tests {
		agents = append(agents, fmt.Sprintf(
			"{id: %s, model: default, tools: [{mcp: {command: [%q], env: {%s: %q}}, timeout: %s}]}",
			tt.tool, os.Args[0], mcpVariable, tt.tool, tt.timeout))
	}
	p := newSite(t, config{model: openai(newObedient(t).BaseURL()), agents: agents}).start(t)
	for _, tt := range tests {
		got := p.run(t, tt.tool, form{"message": tt.tool + " {}"})
		if got.Status != "COMPLETED" || !strings.Contains(string(got.Content), tt.says) || len(got.Tools) != 1 || !got.Tools[0].Error {
			t.Errorf("%s: the run is %s with %q and %+v", tt.tool, got.Status, got.Content, got.Tools)
		}
		p.run(t, tt.tool, form{"message": "work {}"}).must(t, "worked")
	}
	p.mustStaySmall(t, 512)
}
