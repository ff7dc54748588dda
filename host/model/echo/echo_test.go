package echo

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

func request(messages ...string) model.Request {
	var req model.Request
	for i := 0; i < len(messages); i += 2 {
		req.Messages = append(req.Messages, model.Message{
			Role: messages[i], Content: host.TextContent(messages[i+1]),
		})
	}
	return req
}

func TestGenerateRepeatsTheLastUserMessage(t *testing.T) {
	t.Parallel()
	req := request("system", "be kind", "user", "first", "assistant", "first", "user", "  hello\n big   world ")
	var deltas []string
	got, err := Model{}.Generate(t.Context(), req, func(text string) error {
		deltas = append(deltas, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := model.Response{
		Content:      "  hello\n big   world ",
		FinishReason: "stop",
		Usage:        host.Metrics{InputTokens: 7, OutputTokens: 3, TotalTokens: 10},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"  hello\n ", "big   ", "world "}, deltas); diff != "" {
		t.Errorf("deltas (-want +got):\n%s", diff)
	}
	whole, err := Model{}.Generate(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, whole); diff != "" {
		t.Errorf("response without a stream (-want +got):\n%s", diff)
	}
}

func TestSplitLosesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "one", "one two", " a b ", "äö ü\u00a0é", "\n\n", "a\xffb c"} {
		if got := strings.Join(split(text), ""); got != text {
			t.Errorf("split(%q) joins to %q", text, got)
		}
	}
}

func TestGenerateKeepsAnObjectAsItIs(t *testing.T) {
	t.Parallel()
	req := model.Request{Messages: []model.Message{{Role: "user", Content: json.RawMessage(`{"a": 1}`)}}}
	got, err := Model{}.Generate(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Content != `{"a": 1}` {
		t.Errorf("content = %q", got.Content)
	}
}

// It has no wish to call a tool, and what one has said is not the user's.
func TestGenerateCallsNoTool(t *testing.T) {
	t.Parallel()
	got, err := Model{}.Generate(t.Context(), model.Request{
		Messages: []model.Message{
			{Role: "user", Content: host.TextContent("hello")},
			{Role: "assistant", ToolCalls: []host.ToolCall{{ID: "a", Name: "f", Args: json.RawMessage(`{}`)}}},
			{Role: "tool", ToolCallID: "a", Content: host.TextContent("result")},
		},
		Tools: []model.Tool{{Name: "f", Parameters: json.RawMessage(`{"type":"object"}`)}},
	}, nil)
	if err != nil || got.Content != "hello" || got.ToolCalls != nil || got.FinishReason != "stop" {
		t.Errorf("response = %+v, %v", got, err)
	}
}

func TestGenerateWithoutUserMessage(t *testing.T) {
	t.Parallel()
	_, err := Model{}.Generate(t.Context(), request("system", "be kind"), nil)
	var modelErr *model.Error
	if !errors.As(err, &modelErr) || modelErr.Type != "model_provider_error" {
		t.Errorf("error = %v, want a model_provider_error", err)
	}
}

func TestGenerateEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var deltas []string
	_, err := Model{}.Generate(ctx, request("user", "one two three"), func(text string) error {
		deltas = append(deltas, text)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if len(deltas) != 1 {
		t.Errorf("deltas after the cancel: %q", deltas)
	}
}

func TestGenerateReturnsTheErrorOfDelta(t *testing.T) {
	t.Parallel()
	gone := errors.New("the client has gone")
	_, err := Model{}.Generate(t.Context(), request("user", "one two"), func(string) error { return gone })
	if err != gone { //nolint:errorlint // the very error must come back
		t.Errorf("error = %v, want %v", err, gone)
	}
}

func TestGenerateAnswersASchema(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ schema, want string }{
		{"", `{}`},
		{`{"type":"object","required":["name","tags"],"properties":{"name":{"type":"string","minLength":1},"tags":{"type":"array"}}}`, `{"name":"a","tags":[]}`},
	} {
		req := request("user", "hello")
		req.Schema = &model.Schema{JSON: json.RawMessage(tc.schema)}
		if tc.schema == "" {
			req.Schema.JSON = nil
		}
		got, err := Model{}.Generate(t.Context(), req, nil)
		if err != nil || got.Content != tc.want {
			t.Errorf("%s: content = %q, %v", tc.schema, got.Content, err)
		}
	}
	req := request("user", "hello")
	req.Schema = &model.Schema{JSON: json.RawMessage(`{"type":"object","required":["a"],"properties":{"a":false}}`)}
	var modelErr *model.Error
	if _, err := (Model{}).Generate(t.Context(), req, nil); !errors.As(err, &modelErr) {
		t.Errorf("error = %v, want a *model.Error", err)
	}
}
