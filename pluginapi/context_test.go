package pluginapi_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// contexts returns a context for every point, with its optional fields.
func contexts() map[pluginapi.Point]pluginapi.Context {
	text := json.RawMessage(`"hello"`)
	call := &pluginapi.ToolCall{ID: "c1", Name: "add", Args: json.RawMessage(`{"a":1}`)}
	all := map[pluginapi.Point]pluginapi.Context{
		pluginapi.PointAgentStartup: {
			AgentInit: &pluginapi.AgentInit{ToolsRegistered: []string{"add"}},
			Target:    json.RawMessage(`{"tools_registered":["add"]}`),
		},
		pluginapi.PointInput: {
			Input:  &pluginapi.Input{Content: text, Role: "user"},
			Target: json.RawMessage(`{"content":"hello","role":"user"}`),
		},
		pluginapi.PointPreModelCall: {
			Model:    &pluginapi.Model{ID: "m", Vendor: "v", Params: json.RawMessage(`{}`)},
			Messages: []pluginapi.Message{{Role: "user", Content: text}},
			Tools:    []pluginapi.Tool{{Name: "add", Schema: json.RawMessage(`{}`)}},
			Target:   json.RawMessage(`[{"role":"user","content":"hello"}]`),
		},
		pluginapi.PointPostModelCall: {
			Model: &pluginapi.Model{ID: "m"},
			Response: &pluginapi.Response{
				Content: json.RawMessage(`null`), ToolCalls: []pluginapi.ToolCall{*call}, FinishReason: "stop",
			},
			Usage:  &pluginapi.Usage{PromptTokens: 1, CompletionTokens: 2},
			Target: json.RawMessage(`{"content":null}`),
		},
		pluginapi.PointPreToolCall: {ToolCall: call, Target: call.Args},
		pluginapi.PointPostToolCall: {
			ToolCall:   call,
			ToolResult: &pluginapi.ToolResult{Value: text, DurationMS: 1.5},
			Target:     text,
		},
		pluginapi.PointOutput: {
			Output: &pluginapi.Output{Content: text},
			Target: json.RawMessage(`{"content":"hello"}`),
		},
		pluginapi.PointAgentShutdown: {
			Summary: &pluginapi.Summary{Reason: "completed"},
			Target:  json.RawMessage(`{"reason":"completed"}`),
		},
	}
	for point, c := range all {
		all[point] = withEnvelope(c, point)
	}
	return all
}

func withEnvelope(c pluginapi.Context, point pluginapi.Point) pluginapi.Context {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	turn := 0
	c.Spec, c.Point, c.Timestamp = pluginapi.Spec, point, at
	c.Agent = pluginapi.Agent{ID: "a", Framework: pluginapi.Framework}
	c.Session = pluginapi.Session{ID: "s", StartedAt: &at, Turn: &turn}
	c.Extensions.Snaphook = &pluginapi.Extension{
		Run:       pluginapi.Run{ID: "r", RootID: "r", Kind: "agent", Status: "RUNNING", StartedAt: at},
		SessionID: "conversation",
		Component: pluginapi.Component{Kind: "agent", ID: "a"},
		Config:    json.RawMessage(`{"mask":true}`),
		Mode:      pluginapi.ModeBlocking,
	}
	return c
}

func TestContextRoundTrip(t *testing.T) {
	t.Parallel()
	schema := compile(t, pluginapi.ContextSchema())
	for _, point := range pluginapi.Points() {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			want := contexts()[point]
			data, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got pluginapi.Context
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
			if !accepts(t, schema, string(data)) {
				t.Errorf("the schema refuses %s", data)
			}
		})
	}
}

// Every point requires its own members.
func TestContextSchemaRequires(t *testing.T) {
	t.Parallel()
	schema := compile(t, pluginapi.ContextSchema())
	for point, members := range map[pluginapi.Point][]string{
		pluginapi.PointAgentStartup:  {"agent_init"},
		pluginapi.PointInput:         {"input"},
		pluginapi.PointPreModelCall:  {"model", "messages"},
		pluginapi.PointPostModelCall: {"model", "response"},
		pluginapi.PointPreToolCall:   {"tool_call"},
		pluginapi.PointPostToolCall:  {"tool_call", "tool_result"},
		pluginapi.PointOutput:        {"output"},
		pluginapi.PointAgentShutdown: {"summary"},
	} {
		members = append(members, "spec", "interception_point", "timestamp", "sequence", "agent", "session", "target")
		for _, member := range members {
			if accepts(t, schema, without(t, contexts()[point], member)) {
				t.Errorf("%s: the schema accepts a context without %s", point, member)
			}
		}
	}
}

func without(t *testing.T, c pluginapi.Context, member string) string {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	delete(members, member)
	data, err = json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestContextSchemaRefusesAnUnknownPoint(t *testing.T) {
	t.Parallel()
	c := contexts()[pluginapi.PointInput]
	c.Point = "before_lunch"
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if accepts(t, compile(t, pluginapi.ContextSchema()), string(data)) {
		t.Error("the schema accepts an unknown point")
	}
}

// The contract wants these lists present and empty, never absent or null.
func TestEmptyListsAreWritten(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		`{"tools_registered":[]}`:                                   pluginapi.AgentInit{},
		`{"content":"","tool_calls":[],"finish_reason":""}`:         &pluginapi.Response{Content: json.RawMessage(`""`)},
		`{"content":null,"tool_calls":[],"finish_reason":"length"}`: pluginapi.Response{FinishReason: "length"},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != want {
			t.Errorf("%T is %s, want %s", v, data, want)
		}
	}
}
