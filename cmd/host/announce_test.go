package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/cmd/host/config"
	"github.com/snaphook-dev/snaphook/host"
)

func TestAnnounce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, address string
		config        config.Config
		want          string
	}{
		{
			"offline", "127.0.0.1:7777",
			config.Config{
				Store:  config.Store{SQLite: "/data/snap.db"},
				Agents: []host.Agent{{ID: "background-task-agent"}, {ID: "other"}}, OfflineModels: []string{"default"},
			},
			`Snaphook listens on http://127.0.0.1:7777
  store     sqlite:///data/snap.db
  agents    background-task-agent, other
  offline   default: no API key is set, so no model provider is asked

Try it:
  curl -N http://127.0.0.1:7777/agents/background-task-agent/runs -F message='Hello' -F stream=false

`,
		},
		{
			"with a key", "127.0.0.1:7777",
			config.Config{
				Store: config.Store{SQLite: "/a"}, Agents: []host.Agent{{ID: "agent"}}, SecurityKey: "not-to-be-printed",
			},
			`Snaphook listens on http://127.0.0.1:7777
  store     sqlite:///a
  agents    agent

Try it:
  curl -N http://127.0.0.1:7777/agents/agent/runs -H "Authorization: Bearer $SNAPHOOK_SECURITY_KEY" -F message='Hello' -F stream=false

`,
		},
		{
			"all kinds", "127.0.0.1:7777",
			config.Config{
				Store:  config.Store{SQLite: "/a"},
				Agents: []host.Agent{{ID: "agent"}}, Teams: []host.Team{{Agent: host.Agent{ID: "team"}}},
				Workflows: []host.Workflow{{ID: "flow"}, {ID: "other"}},
			},
			`Snaphook listens on http://127.0.0.1:7777
  store     sqlite:///a
  agents    agent
  teams     team
  workflows flow, other

Try it:
  curl -N http://127.0.0.1:7777/workflows/flow/runs -F message='Hello' -F stream=false

`,
		},
		{
			"every interface, no agents", "[::]:80", config.Config{Store: config.Store{SQLite: "/a"}},
			`Snaphook listens on http://127.0.0.1:80
  store     sqlite:///a
  agents    none; add some to the configuration
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			announce(&out, test.address, &test.config)
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("announcement (-want +got):\n%s", diff)
			}
		})
	}
}
