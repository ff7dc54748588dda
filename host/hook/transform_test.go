package hook_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// fieldOf is the field of the point that a transform writes back to.
func fieldOf(t *testing.T, c *pluginapi.Context) string {
	t.Helper()
	var field any
	switch c.Point {
	case pluginapi.PointInput:
		field = c.Input
	case pluginapi.PointPreModelCall:
		field = c.Messages
	case pluginapi.PointPostModelCall:
		field = c.Response
	case pluginapi.PointPreToolCall:
		field = c.ToolCall
	case pluginapi.PointPostToolCall:
		field = c.ToolResult
	case pluginapi.PointOutput:
		field = c.Output
	}
	data, err := json.Marshal(field)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTransformsApply(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		point             pluginapi.Point
		path, value, want string
	}{
		{"input", "$target", `{"content":"x","role":"system"}`, `{"content":"x","role":"system"}`},
		{"input", "$policy_target.content", `"x"`, `{"content":"x","role":"user"}`},
		{"input", `$target["content"]`, `{"a":[1.50,"é"]}`, `{"content":{"a":[1.50,"é"]},"role":"user"}`},
		{"pre_model_call", "$target[1].content", `"x"`, `[{"role":"system","content":"be nice"},{"role":"user","content":"x"}]`},
		{"pre_model_call", "$target", `[]`, `[]`},
		{"post_model_call", "$target.content", `null`, `{"content":null,"tool_calls":[],"finish_reason":"stop"}`},
		{
			"post_model_call", "$target.tool_calls", `[{"id":"c","name":"n","args":{}}]`,
			`{"content":"hello","tool_calls":[{"id":"c","name":"n","args":{}}],"finish_reason":"stop"}`,
		},
		{"pre_tool_call", "$target.a", `[{}]`, `{"id":"c1","name":"add","args":{"a":[{}]}}`},
		{"post_tool_call", "$target", `null`, `{"value":null,"is_error":false}`},
		{"post_tool_call", "$target.sum", `2`, `{"value":{"sum":2},"is_error":false}`},
		{"output", "$target.content", `{"a":1}`, `{"content":{"a":1}}`},
	} {
		g := &guests{exports: map[string]guest{"one": transform(test.path, test.value)}}
		before := contextAt(test.point)
		want := fieldOf(t, &before)
		got := emit(t, newDispatcher(t, g, at(test.point, "one")), before)
		if got.Verdict.Decision != pluginapi.TransformTo {
			t.Errorf("%s %s: %+v", test.point, test.path, got.Verdict)
		}
		if field := fieldOf(t, &got.Context); field != test.want {
			t.Errorf("%s %s: %s, want %s", test.point, test.path, field, test.want)
		}
		if fieldOf(t, &before) != want {
			t.Errorf("%s: the caller's context was changed", test.point)
		}
	}
}

func TestTransformWithoutValueIsNull(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{"one": says(`{"decision":"transform","transform":{"path":"$target.sum"}}`)}}
	got := emit(t, newDispatcher(t, g, at(pluginapi.PointPostToolCall, "one")), contextAt(pluginapi.PointPostToolCall))
	if string(got.Context.ToolResult.Value) != `{"sum":null}` {
		t.Errorf("value %s", got.Context.ToolResult.Value)
	}
}

func TestTransformsThatDoNotApply(t *testing.T) {
	t.Parallel()
	const forbidden, invalid = hook.ReasonTransformForbidden, hook.ReasonTransformInvalid
	deep := strings.Repeat(`{"a":`, 126) + `1` + strings.Repeat(`}`, 126)
	for _, test := range []struct {
		point               pluginapi.Point
		path, value, reason string
	}{
		{"agent_startup", "$target.tools_registered", `[]`, forbidden},
		{"agent_shutdown", "$target", `{"reason":"error"}`, forbidden},
		{"input", "$", `"x"`, forbidden},
		{"input", "target.content", `"x"`, forbidden},
		{"input", "$targets.content", `"x"`, forbidden},
		{"input", "$context.agent.id", `"x"`, forbidden},
		{"input", "", `"x"`, forbidden},
		{"input", "$target.", `"x"`, invalid},
		{"input", "$target.nothing", `"x"`, invalid},
		{"input", "$target.content.deeper", `"x"`, invalid},
		{"input", "$target[0]", `"x"`, invalid},
		{"input", "$target.con tent", `"x"`, invalid},
		{"input", "$target.*", `"x"`, invalid},
		{"input", `$target["content`, `"x"`, invalid},
		{"input", `$target['content']`, `"x"`, invalid},
		{"input", "$target.role", `"root"`, invalid},
		{"input", "$target.content", `7`, invalid},
		{"input", "$target.content", `null`, invalid},
		{"input", "$target.content", `"\ud83d"`, invalid},
		{"input", "$target.content", deep, invalid},
		{"input", "$target", `"x"`, invalid},
		{"input", "$target", `{"content":"x"}`, invalid},
		{"input", "$target", `{"content":"x","role":"user","more":1}`, invalid},
		{"input", "$target", `{"Content":"x","role":"user"}`, invalid},
		{"pre_model_call", "$target[2].content", `"x"`, invalid},
		{"pre_model_call", "$target[-1].content", `"x"`, invalid},
		{"pre_model_call", "$target[99999999999999999999]", `"x"`, invalid},
		{"pre_model_call", "$target.0", `"x"`, invalid},
		{"pre_model_call", "$target", `null`, invalid},
		{"pre_model_call", "$target", `[{"role":"","content":"x"}]`, invalid},
		{"pre_model_call", "$target", `[{"role":"user","content":"x","name":"n"}]`, invalid},
		{"pre_model_call", "$target[0].content", `["x"]`, invalid},
		{"post_model_call", "$target.tool_calls", `null`, invalid},
		{"post_model_call", "$target.tool_calls", `[{"id":"c","name":"n","args":[]}]`, invalid},
		{"post_model_call", "$target.finish_reason", `1`, invalid},
		{"post_model_call", "$target.content", `[]`, invalid},
		{"pre_tool_call", "$target", `[]`, invalid},
		{"output", "$target.content", `true`, invalid},
		{"output", "$target", `{}`, invalid},
	} {
		value := test.value
		if strings.HasPrefix(value, `"x`) {
			value = fmt.Sprintf("%q", guestText)
		}
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": transform(test.path, value)}}, at(test.point, "one"))
		got := emit(t, d, contextAt(test.point))
		if got.Verdict.Reason != test.reason || got.Calls[0].Outcome != host.OutcomeFailedClosed {
			t.Errorf("%s %s = %.40s: %+v", test.point, test.path, test.value, got.Verdict)
		}
		if strings.Contains(got.Verdict.Message+got.Calls[0].Error.Message, guestText) {
			t.Errorf("%s %s: the message %q quotes the guest", test.point, test.path, got.Verdict.Message)
		}
		before := contextAt(test.point)
		if fieldOf(t, &got.Context) != fieldOf(t, &before) {
			t.Errorf("%s %s: the target is now %s", test.point, test.path, fieldOf(t, &got.Context))
		}
	}
}

// FuzzTransform checks that no verdict leaves a context which the next hook
// could not be shown.
func FuzzTransform(f *testing.F) {
	f.Add("input", "$target.content", `"x"`)
	f.Add("pre_model_call", `$target[0]["content"]`, `{"a":["\ud83d\ude00"]}`)
	f.Add("post_model_call", "$policy_target.tool_calls", `[{"id":"c","name":"n","args":{}}]`)
	f.Add("output", "$target", `{"content":"\ud83d"}`)
	f.Fuzz(func(t *testing.T, point, path, value string) {
		p := pluginapi.Point(point)
		if !p.Valid() || !json.Valid([]byte(value)) {
			return
		}
		answer, err := json.Marshal(pluginapi.Verdict{
			Decision: pluginapi.TransformTo, Transform: &pluginapi.Transform{Path: path, Value: json.RawMessage(value)},
		})
		if err != nil {
			return
		}
		g := &guests{exports: map[string]guest{"one": says(string(answer)), "two": says(allow)}}
		got := emit(t, newDispatcher(t, g, at(p, "one"), at(p, "two")), contextAt(p))
		if got.Verdict.Reason == hook.ReasonContextInvalid {
			t.Errorf("after %s = %s: %s", path, value, got.Verdict.Message)
		}
	})
}
