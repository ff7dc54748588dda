package openai_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// FuzzStream checks that any stream is an answer whose tool calls are what
// model.Response promises, or a *model.Error.
func FuzzStream(f *testing.F) {
	f.Add([]byte(`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}`+"\n\n"), false)
	f.Add([]byte(`data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"}},{"function":{"name":"f","arguments":"["}}]},"finish_reason":"tool_calls"}]}`+"\n\n"), false)
	f.Add([]byte(`data: {"type":"response.output_item.done","item":{"type":"function_call","call_id":"a","name":"f"}}`+"\n\n"+
		`data: {"type":"response.completed","response":{"status":"completed"}}`+"\n\n"), true)
	f.Add([]byte(`data: {"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","name":"f"}]}}`+"\n\n"), true)
	var stream string // one call at a time
	server := openaitest.New(f, func(int, openaitest.Request) openaitest.Answer { return openaitest.Answer{Raw: stream} })
	models := map[bool]*openai.Model{
		false: open(f, openai.Config{BaseURL: server.BaseURL(), MaxRetries: new(int)}),
		true:  open(f, openai.Config{BaseURL: server.BaseURL(), MaxRetries: new(int), API: openai.APIResponses}),
	}
	f.Fuzz(func(t *testing.T, body []byte, responses bool) {
		stream = string(body)
		got, err := generate(t, models[responses], true)
		var failed *model.Error
		if err != nil && !errors.As(err, &failed) {
			t.Fatalf("error = %v", err)
		}
		checkCalls(t, got)
	})
}

func checkCalls(t *testing.T, got model.Response) {
	t.Helper()
	size := 0
	ids := map[string]bool{}
	for _, call := range got.ToolCalls {
		var args map[string]json.RawMessage
		if call.Args != nil && (json.Unmarshal(call.Args, &args) != nil || args == nil) {
			t.Errorf("arguments %q", call.Args)
		}
		if call.ID == "" || ids[call.ID] || call.Name == "" {
			t.Errorf("call %+v among %+v", call, got.ToolCalls)
		}
		ids[call.ID] = true
		size += len(call.Name) + len(call.Args)
	}
	if len(got.ToolCalls) > model.MaxToolCalls || size > model.MaxToolCallBytes {
		t.Errorf("%d calls of %d bytes", len(got.ToolCalls), size)
	}
}
