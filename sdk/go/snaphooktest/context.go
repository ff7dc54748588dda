package snaphooktest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// What the contexts of this package say.
const (
	AgentID   = "test-agent"
	AgentName = "TestAgent"
	RunID     = "run-1"
	SessionID = "session-1"
)

// Input returns a context at the point input. The content is a string or
// anything else that marshals; it panics on what does not.
func Input(content any) pluginapi.Context {
	input := pluginapi.Input{Content: mustMarshal(content), Role: "user"}
	c := context(pluginapi.PointInput, "RUNNING", input)
	c.Input = &input
	return c
}

// Output returns a context at the point output, as Input does.
func Output(content any) pluginapi.Context {
	output := pluginapi.Output{Content: mustMarshal(content)}
	c := context(pluginapi.PointOutput, "COMPLETED", output)
	c.Output = &output
	return c
}

func context(point pluginapi.Point, status string, target any) pluginapi.Context {
	at := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	return pluginapi.Context{
		Spec:      pluginapi.Spec,
		Point:     point,
		Timestamp: at,
		Sequence:  1,
		Agent:     pluginapi.Agent{ID: AgentID, Framework: pluginapi.Framework, Name: AgentName},
		Session:   pluginapi.Session{ID: RunID, StartedAt: &at},
		Target:    mustMarshal(target),
		Extensions: pluginapi.Extensions{Snaphook: &pluginapi.Extension{
			Run:       pluginapi.Run{ID: RunID, RootID: RunID, Kind: "agent", Status: status, StartedAt: at},
			SessionID: SessionID,
			Component: pluginapi.Component{Kind: "agent", ID: AgentID, Name: AgentName},
			Mode:      pluginapi.ModeBlocking,
		}},
	}
}

func mustMarshal(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("snaphooktest: %v", err))
	}
	return data
}
