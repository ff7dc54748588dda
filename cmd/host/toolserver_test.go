package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/cmd/host/config"
	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/tool"
)

// noPlugins is a host without plugins.
type noPlugins struct{}

func (noPlugins) ActivePlugin(string) (*host.Plugin, error) {
	return nil, errors.New("there are no plugins")
}

func (noPlugins) CheckConfig(*host.Plugin, json.RawMessage) []host.Problem { return nil }

func (noPlugins) Call(context.Context, host.Call) (host.CallResult, error) {
	return host.CallResult{}, errors.New("there are no plugins")
}

func TestServersThatAreNotThere(t *testing.T) {
	t.Parallel()
	tools, err := tool.New(tool.Config{Plugins: noPlugins{}, Caller: noPlugins{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tools.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var logged bytes.Buffer
	cfg := &config.Config{
		Agents: []host.Agent{{ID: "a", Tools: []host.ToolRef{{Plugin: "p"}, {MCP: &host.MCPServer{Command: []string{"/no/such", "program"}}}}}},
		Teams:  []host.Team{{Agent: host.Agent{ID: "b", Tools: []host.ToolRef{{MCP: &host.MCPServer{URL: "http://127.0.0.1:1/mcp"}}}}}},
	}
	h := &parts{cfg: cfg, tools: tools, log: slog.New(slog.NewTextHandler(&logged, nil))}
	h.askServers(t.Context())
	lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d warnings:\n%s", len(lines), &logged)
	}
	for _, want := range []string{
		`component="agent a" error="the MCP server /no/such program is not available: start the command: `,
		`component="team b" error="the MCP server http://127.0.0.1:1/mcp is not available: `,
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("no warning with %s:\n%s", want, &logged)
		}
	}
	logged.Reset()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	h.askServers(ended)
	if logged.Len() > 0 {
		t.Errorf("a host that stops warns:\n%s", &logged)
	}
}
