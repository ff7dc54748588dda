package e2e

import (
	"encoding/json"
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

// mcpVariable has the test binary serve MCP instead of testing.
const mcpVariable = "E2E_MCP_SERVER"

// serveMCP is a small MCP server over stdin and stdout, whose tools are no good but
// for one.
func serveMCP() error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var req struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				Name            string `json:"name"`
				ProtocolVersion string `json:"protocolVersion"`
			} `json:"params"`
		}
		if err := in.Decode(&req); err != nil {
			return nil // the host has gone
		}
		if req.ID == nil {
			continue
		}
		var result any = map[string]any{}
		switch req.Method {
		case "initialize":
			result = map[string]any{
				"protocolVersion": req.Params.ProtocolVersion, "capabilities": map[string]any{"tools": map[string]any{}},
				"serverInfo": map[string]any{"name": "test", "version": "1"},
			}
		case "tools/list":
			result = map[string]any{"tools": []any{mcpTool("work"), mcpTool(os.Getenv(mcpVariable))}}
		case "tools/call":
			if result = callMCP(req.Params.Name); result == nil {
				continue
			}
		}
		if err := out.Encode(map[string]any{"jsonrpc": "2.0", "id": req.ID, "result": result}); err != nil {
			return err
		}
	}
}

func mcpTool(name string) any {
	return map[string]any{"name": name, "inputSchema": map[string]any{"type": "object", "properties": map[string]any{}}}
}

// callMCP carries out a call; nil is no answer.
func callMCP(name string) any {
	text := func(text string, isError bool) any {
		return map[string]any{"content": []any{map[string]any{"type": "text", "text": text}}, "isError": isError}
	}
	switch name {
	case "hang":
		return nil
	case "flood":
		for {
			if _, err := fmt.Println(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}`); err != nil {
				os.Exit(1)
			}
		}
	case "garbage":
		fmt.Println("<html>What is it?</html>")
		return nil
	case "die":
		os.Exit(3)
	case "huge":
		return text(strings.Repeat("x", 50<<20), false)
	case "refuse":
		return text("I would rather not.", true)
	}
	return text("worked", false)
}
