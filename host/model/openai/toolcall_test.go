package openai_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

func TestToolCalls(t *testing.T) {
	t.Parallel()
	call := openaitest.Call(
		openaitest.ToolCall{ID: "call_a", Name: "weather", Arguments: `{"city": "Tromsø", "days": [1, 2]}`},
		openaitest.ToolCall{ID: "call_b", Name: "now"},
	)
	call.Content = "Let me look."
	interleaved := call
	interleaved.Interleaved = true
	want := model.Response{Content: "Let me look.", FinishReason: "tool_calls", ToolCalls: []host.ToolCall{
		{ID: "call_a", Name: "weather", Args: json.RawMessage(`{"city": "Tromsø", "days": [1, 2]}`)},
		{ID: "call_b", Name: "now", Args: json.RawMessage(`{}`)},
	}}
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Script(call, interleaved))
		m := open(t, openai.Config{API: api, BaseURL: server.BaseURL()})
		for range 2 {
			got, err := generate(t, m, stream)
			if err != nil {
				t.Fatal(err)
			}
			if u := got.Usage; (u.TimeToFirstToken > 0) != stream || u.OutputTokens != 2 {
				t.Errorf("usage = %+v", u)
			}
			got.Usage = host.Metrics{}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		}
	})
}

func TestArguments(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		"": "{}", " \n": "{}", " {\"a\":1}\n": `{"a":1}`,
		"{": "", `{"a":1}}`: "", `{"a":1} {}`: "", "[]": "", "null": "", `"{}"`: "", "no JSON": "",
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			everyWay(t, func(t *testing.T, api openai.API, stream bool) {
				server := openaitest.New(t, openaitest.Always(openaitest.Call(openaitest.ToolCall{ID: "a", Name: "f", Arguments: arguments})))
				got, err := generate(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL()}), stream)
				if err != nil || len(got.ToolCalls) != 1 || string(got.ToolCalls[0].Args) != want {
					t.Errorf("response = %+v, %v; want the arguments %q", got, err, want)
				}
			})
		})
	}
}

// A call has an id of its own, whatever the server says.
func TestCallIDs(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Always(openaitest.Call(
			openaitest.ToolCall{Name: "f"}, openaitest.ToolCall{Name: "g"},
			openaitest.ToolCall{ID: "same", Name: "h"}, openaitest.ToolCall{ID: "same", Name: "i"},
			openaitest.ToolCall{ID: "call_a", Name: "j"}, // is in the conversation
		)))
		got, err := generateFor(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL()}), conversation(), stream)
		if err != nil {
			t.Fatal(err)
		}
		names := ""
		ids := map[string]bool{"call_a": true}
		for _, call := range got.ToolCalls {
			names += call.Name
			if ids[call.ID] || call.ID == "" || len(call.ID) > 40 {
				t.Errorf("id %q of %s", call.ID, call.Name)
			}
			ids[call.ID] = true
		}
		if names != "fghij" || got.ToolCalls[2].ID != "same" {
			t.Errorf("calls = %+v", got.ToolCalls)
		}
	})
}

// What servers make of the pieces of a stream that OpenAI indexes.
func TestPiecesOfOtherServers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ pieces, want []string }{
		"no index": {[]string{
			`{"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`,
			`{"id":"b","function":{"name":"g","arguments":"{\"x\""}}`,
			`{"function":{"arguments":":2}"}}`,
		}, []string{`f{"x":1}`, `g{"x":2}`}},
		"no index and no id": {[]string{
			`{"function":{"name":"f","arguments":"{}"}}`,
			`{"function":{"name":"f","arguments":"{}"}}`,
		}, []string{"f{}", "f{}"}},
		"one index for all": {[]string{
			`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`,
			`{"index":0,"id":"b","function":{"name":"g","arguments":"{\"x\":2}"}}`,
		}, []string{`f{"x":1}`, `g{"x":2}`}},
		"everything repeated": {[]string{
			`{"index":7,"id":"a","function":{"name":"f","arguments":"{\"x\""}}`,
			`{"index":7,"id":"a","function":{"name":"f","arguments":":1}"}}`,
		}, []string{`f{"x":1}`}},
		"an id for each piece": {[]string{
			`{"index":0,"id":"a","function":{"name":"f"}}`,
			`{"index":0,"id":"b","function":{"arguments":"{\"x\":1}"}}`,
		}, []string{`f{"x":1}`}},
		"arguments before the name": {[]string{
			`{"index":-1,"function":{"arguments":"{\"x\""}}`,
			`{"index":-1,"id":"a","function":{"name":"f","arguments":":1}"}}`,
		}, []string{`f{"x":1}`}},
		"an empty piece": {[]string{
			`{"index":0,"id":"a","function":{"name":"f","arguments":""}}`,
			`{"index":1,"type":"function"}`,
		}, []string{"f{}"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := generate(t, open(t, openai.Config{BaseURL: pieces(t, tc.pieces...).BaseURL()}), true)
			if err != nil {
				t.Fatal(err)
			}
			var calls []string
			for _, call := range got.ToolCalls {
				calls = append(calls, call.Name+string(call.Args))
			}
			if diff := cmp.Diff(tc.want, calls); diff != "" || got.FinishReason != "tool_calls" {
				t.Errorf("finished by %s; calls (-want +got):\n%s", got.FinishReason, diff)
			}
		})
	}
}

// pieces is a server that streams those pieces of tool calls, each in a chunk, and
// says "stop" as if there were none.
func pieces(t *testing.T, pieces ...string) *openaitest.Server {
	t.Helper()
	var b strings.Builder
	for _, piece := range pieces {
		fmt.Fprintf(&b, `data: {"choices":[{"index":0,"delta":{"tool_calls":[%s]}}]}`+"\n\n", piece)
	}
	b.WriteString(`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n")
	return openaitest.New(t, openaitest.Always(openaitest.Answer{Raw: b.String()}))
}

// Some servers send no events of items, only the whole at the end; others an end
// with nothing in it.
func TestCallsOfHalfAStream(t *testing.T) {
	t.Parallel()
	const item = `{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":1}"}`
	for name, events := range map[string]string{
		"only the end": `data: {"type":"response.completed","response":{"status":"completed","output":[{"type":"reasoning","id":"rs"},` + item + "]}}\n\n",
		"only the item": `data: {"type":"response.output_item.done","output_index":0,"item":` + item + "}\n\n" +
			`data: {"type":"response.completed","response":{"status":"completed"}}` + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.New(t, openaitest.Always(openaitest.Answer{Raw: events}))
			got, err := generate(t, open(t, openai.Config{API: openai.APIResponses, BaseURL: server.BaseURL()}), true)
			want := []host.ToolCall{{ID: "a", Name: "f", Args: json.RawMessage(`{"x":1}`)}}
			if diff := cmp.Diff(want, got.ToolCalls); err != nil || diff != "" {
				t.Errorf("%v: calls (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestHostileCalls(t *testing.T) {
	t.Parallel()
	many := make([]openaitest.ToolCall, model.MaxToolCalls+1)
	for i := range many {
		many[i] = openaitest.ToolCall{ID: fmt.Sprint(i), Name: "f"}
	}
	short := openaitest.Call(openaitest.ToolCall{ID: "a", Name: "f", Arguments: `{"x":1}`})
	short.FinishReason = "length"
	cut := openaitest.Call(openaitest.ToolCall{ID: "a", Name: "f", Arguments: `{"x":1}`})
	cut.Cut = true
	for name, tc := range map[string]struct {
		answer openaitest.Answer
		want   string
	}{
		"too many": {openaitest.Call(many...), "the model asks for more than 128 tool calls at once"},
		"too large": {openaitest.Call(openaitest.ToolCall{ID: "a", Name: "f", Arguments: `{"x":"` + strings.Repeat("y", 2<<20) + `"}`}),
			"the model's tool calls are larger than 1024 KiB"},
		"a name too large": {openaitest.Call(openaitest.ToolCall{ID: "a", Name: strings.Repeat("y", 1<<20+1)}),
			"the model's tool calls are larger than 1024 KiB"},
		"nameless":   {openaitest.Call(openaitest.ToolCall{ID: "a"}), "the model asks for a tool without a name"},
		"broken off": {short, "the model's answer is incomplete: "},
		"cut":        {cut, "the model's answer was cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyWay(t, func(t *testing.T, api openai.API, stream bool) {
				server := openaitest.New(t, openaitest.Always(tc.answer))
				got, err := generate(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL()}), stream)
				if failed := modelError(t, err); failed.Type != model.ErrorProvider || !strings.HasPrefix(failed.Message, tc.want) {
					t.Errorf("response = %+v, error = %+v", got, failed)
				}
				if server.Calls() != 1 {
					t.Errorf("%d calls", server.Calls())
				}
			})
		})
	}
}
