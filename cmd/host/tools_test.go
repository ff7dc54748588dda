package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/cmd/host/config"
	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
)

func TestToolUses(t *testing.T) {
	t.Parallel()
	call := func(function string) *host.StepCall { return &host.StepCall{Plugin: "p", Function: function} }
	got := toolUses(&config.Config{
		Agents: []host.Agent{{ID: "calc", Tools: []host.ToolRef{
			{MCP: &host.MCPServer{URL: "http://x"}}, {Plugin: "q", Idempotent: []string{"read"}},
			{Plugin: "p", Only: []string{"add"}, Idempotent: []string{"add"}},
		}}},
		Teams: []host.Team{{Agent: host.Agent{ID: "desk", Tools: []host.ToolRef{{Plugin: "p"}}}}},
		Workflows: []host.Workflow{{ID: "w", Steps: []host.Step{{
			Name: "loop", Decide: host.Decision{Function: call("done")},
			Steps: []host.Step{{Name: "inside", Function: call("double")}},
		}}}},
	})
	want := []plugin.ToolUse{
		{Plugin: "q", By: "agent calc"},
		{Plugin: "q", By: "agent calc", Tools: []string{"read"}},
		{Plugin: "p", By: "agent calc", Tools: []string{"add"}},
		{Plugin: "p", By: "team desk"},
		{Plugin: "p", By: "step loop of workflow w", Tools: []string{"done"}},
		{Plugin: "p", By: "step inside of workflow w", Tools: []string{"double"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}
