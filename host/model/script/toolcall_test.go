package script_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

const withTools = `
- when: {after_tool: forecast, tool_result_contains: sun}
  respond: {content: "{{tool_result}}, as asked: {{input}}"}
- when: {after_tool: forecast}
  respond:
    json: {said: "{{tool_result}}", "{{input}}": true}
- when: {tool_result_contains: denied}
  respond: {content: "I may not."}
- when: {contains: Oslo}
  respond:
    content: Let me look.
    tool_calls:
      - {name: forecast, args: {city: Oslo, days: 1.50, asked: '"{{input}}"'}}
      - {name: clock}
      - {name: clock, id: mine}
- respond: {content: "nothing but {{tool_result}}{{other}}"}
`

// after is a conversation in which the assistant has called forecast and clock, and
// they have said that.
func after(said ...string) []model.Message {
	messages := []model.Message{
		{Role: "user", Content: host.TextContent(`in "Oslo"`)},
		{Role: "assistant", ToolCalls: []host.ToolCall{{ID: "a", Name: "clock"}, {ID: "b", Name: "forecast"}}},
	}
	for i, text := range said {
		messages = append(messages, model.Message{Role: "tool", ToolCallID: []string{"a", "b"}[i], Content: host.TextContent(text)})
	}
	return messages
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	got, err := parse(t, withTools).Generate(t.Context(), model.Request{Turn: 3, Messages: after()}, nil)
	want := model.Response{
		Content: "Let me look.", FinishReason: "tool_calls",
		ToolCalls: []host.ToolCall{
			{ID: "call_3_1", Name: "forecast", Args: json.RawMessage(`{"asked":"\"in \"Oslo\"\"","city":"Oslo","days":1.50}`)},
			{ID: "call_3_2", Name: "clock", Args: json.RawMessage(`{}`)},
			{ID: "mine", Name: "clock", Args: json.RawMessage(`{}`)},
		},
		Usage: host.Metrics{InputTokens: 2, OutputTokens: 10, TotalTokens: 12},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v: response (-want +got):\n%s", err, diff)
	}
}

func TestAfterTools(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		messages []model.Message
		want     string
	}{
		"a result":            {after("noon", "sun"), `sun, as asked: in "Oslo"`},
		"another result":      {after("noon", `rain "all day"`), `{"said":"rain \"all day\"","in \"Oslo\"":true}`},
		"another tool":        {after("denied by a hook"), "I may not."},
		"results of long ago": {append(after("noon", "sun"), model.Message{Role: "assistant"}, model.Message{Role: "user", Content: host.TextContent("and now?")}), "nothing but {{other}}"},
	} {
		got, err := parse(t, withTools).Generate(t.Context(), model.Request{Messages: tc.messages}, nil)
		if err != nil || got.Content != tc.want || got.ToolCalls != nil || got.FinishReason != "stop" {
			t.Errorf("%s: response = %+v, %v; want %s", name, got, err, tc.want)
		}
	}
}
