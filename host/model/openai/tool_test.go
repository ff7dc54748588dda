package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

const location = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`

// conversation is a request of a run that has called tools before.
func conversation() model.Request {
	return model.Request{
		Messages: []model.Message{
			{Role: "user", Content: host.TextContent("Is it warm?")},
			{Role: "assistant", Content: host.TextContent("Let me look."), ToolCalls: []host.ToolCall{
				{ID: "call_a", Name: "weather", Args: json.RawMessage(`{"city":"Oslo"}`)},
				{ID: "call_b", Name: "functions.time now"},
			}},
			{Role: "tool", ToolCallID: "call_a", Content: json.RawMessage(`{"degrees":20}`)},
			{Role: "tool", ToolCallID: "call_b", Content: host.TextContent("")},
			{Role: "assistant", ToolCalls: []host.ToolCall{{ID: "call_c", Args: json.RawMessage(`{}`)}}},
			{Role: "tool", ToolCallID: "call_c", Content: host.TextContent("unknown tool")},
		},
		Tools: []model.Tool{
			{Name: "weather", Description: "Tells the weather.", Parameters: json.RawMessage(location)},
			{Name: "now", Parameters: json.RawMessage(`{"type":"object"}`)},
		},
	}
}

func TestToolsAreSent(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Always(openaitest.Text(`{"warm":true}`)))
		asked := conversation()
		asked.Schema = &model.Schema{Name: "answer", JSON: json.RawMessage(location)}
		got, err := generateFor(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL()}), asked, stream)
		if err != nil || got.Content != `{"warm":true}` || got.ToolCalls != nil {
			t.Fatalf("response = %+v, %v", got, err)
		}
		var strict *bool
		nothing := `""`
		if api == openai.APIResponses {
			strict, nothing = new(bool), ""
		}
		request := server.Requests()[0]
		wantTools := []openaitest.Tool{
			{Name: "weather", Description: "Tells the weather.", Parameters: json.RawMessage(location), Strict: strict},
			{Name: "now", Parameters: json.RawMessage(`{"properties":{},"type":"object"}`), Strict: strict},
		}
		if diff := cmp.Diff(wantTools, request.Tools, jsonEqual); diff != "" {
			t.Errorf("tools (-want +got):\n%s", diff)
		}
		wantMessages := []openaitest.Message{
			{Role: "user", Content: "Is it warm?"},
			{Role: "assistant", Content: "Let me look.", ToolCalls: []openaitest.ToolCall{
				{ID: "call_a", Name: "weather", Arguments: `{"city":"Oslo"}`},
				{ID: "call_b", Name: "functions_time_now", Arguments: "{}"},
			}},
			{Role: "tool", ToolCallID: "call_a", Content: `{"degrees":20}`},
			{Role: "tool", ToolCallID: "call_b", Content: nothing},
			{Role: "assistant", ToolCalls: []openaitest.ToolCall{{ID: "call_c", Name: "unknown", Arguments: "{}"}}},
			{Role: "tool", ToolCallID: "call_c", Content: "unknown tool"},
		}
		if diff := cmp.Diff(wantMessages, request.Messages); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if request.Format == nil || request.Format.Type != "json_schema" {
			t.Errorf("format = %+v beside tools", request.Format)
		}
		if strings.Contains(request.Body, "parallel_tool_calls") {
			t.Errorf("parallel_tool_calls is sent: %s", request.Body)
		}
	})
}

// A client may ask nothing, and a model may have answered nothing.
func TestEmptyMessagesAreSent(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Always(openaitest.Text("ok")))
		asked := model.Request{Messages: []model.Message{
			{Role: "user", Content: host.TextContent("")}, {Role: "assistant", Content: host.TextContent("")}, {Role: "user", Content: host.TextContent("")},
		}}
		got, err := generateFor(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL()}), asked, stream)
		if err != nil || got.Content != "ok" || len(server.Requests()[0].Messages) != 3 {
			t.Errorf("response = %+v, %v", got, err)
		}
	})
}

// jsonEqual compares JSON by what it says: the library writes keys in its own order.
var jsonEqual = cmp.Transformer("JSON", func(text json.RawMessage) any {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return string(text)
	}
	return value
})

// The library knows models that take tools only by the other interface.
func TestToolsThatAModelTakesElsewhere(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Text("unused")))
	_, err := generateFor(t, open(t, openai.Config{ID: "gpt-6-sol", BaseURL: server.BaseURL()}), conversation(), false)
	if got := modelError(t, err); got.Message != "this model takes tools only with api: responses" || server.Calls() != 0 {
		t.Errorf("error = %+v after %d calls", got, server.Calls())
	}
}

// generateFor is generate for that request.
func generateFor(t *testing.T, m *openai.Model, asked model.Request, stream bool) (model.Response, error) {
	t.Helper()
	var delta func(string) error
	if stream {
		delta, _ = collect()
	}
	return m.Generate(t.Context(), asked, delta)
}
