package hook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// tricky is JSON with all that could be taken for the place where a context is
// cut, or be written in two ways.
const tricky = "{\"mode\":\"\" ,\n\t\"t\":\"<&>\u2028 \\ud83d\\ude00 é 日本 \\n\\\"mode\\\":\\\"\\\"}}}\", \"n\": 1.0e5, \"session_state\":{}}"

// whole is the context of a hook, encoded in one piece.
func whole(t *testing.T, c pluginapi.Context, config, state string, mode pluginapi.Mode, delivery *pluginapi.Delivery) string {
	t.Helper()
	target := map[pluginapi.Point]any{
		pluginapi.PointAgentStartup: c.AgentInit, pluginapi.PointInput: c.Input, pluginapi.PointPreModelCall: c.Messages,
		pluginapi.PointPostModelCall: c.Response, pluginapi.PointOutput: c.Output, pluginapi.PointAgentShutdown: c.Summary,
	}[c.Point]
	switch c.Point {
	case pluginapi.PointPreToolCall:
		target = c.ToolCall.Args
	case pluginapi.PointPostToolCall:
		target = c.ToolResult.Value
	}
	c.Target = json.RawMessage(encoded(t, target))
	ext := *c.Extensions.Snaphook
	ext.Config, ext.SessionState = json.RawMessage(config), json.RawMessage(state)
	ext.Mode, ext.Delivery = mode, delivery
	c.Extensions.Snaphook = &ext
	return encoded(t, c)
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(buf.String())
}

// Every hook gets, byte for byte, the context that encoding it in one piece
// gives.
func TestContextInOnePiece(t *testing.T) {
	t.Parallel()
	for _, point := range pluginapi.Points() {
		for _, config := range []string{"", `{}`, tricky} {
			for _, name := range []string{"granted", "other"} {
				t.Run(fmt.Sprintf("%s/%.3s/%s", point, config, name), func(t *testing.T) {
					t.Parallel()
					state := ""
					if name == "granted" {
						state = tricky
					}
					c := contextAt(point)
					ext := c.Extensions.Snaphook
					ext.Metadata, ext.SessionState = json.RawMessage(tricky), json.RawMessage(tricky)
					ext.Config, ext.Mode, ext.Delivery = json.RawMessage(`{"not":"its own"}`), "not its own", &pluginapi.Delivery{}

					g := &guests{exports: map[string]guest{name: says(allow)}}
					b := at(point, name)
					b.binding.Config = json.RawMessage(config)
					d := newStateDispatcher(t, g, b, b.background())
					e := emission(d, c)
					e.Services.SessionState = &sessionState{state: json.RawMessage(tricky)}
					result, err := d.Emit(t.Context(), e)
					if err != nil || result.Denied() {
						t.Fatalf("%+v, %v", result.Verdict, err)
					}
					snapshot, err := hook.Snapshot(&c)
					if err != nil {
						t.Fatal(err)
					}
					call := d.Queued(result.Background[0], hook.Occasion{Run: e.Run, Point: point}, "s", host.Lease{})
					if done := d.Deliver(t.Context(), call, snapshot, host.Services{}); done.Error != nil {
						t.Fatal(done.Error)
					}
					delivery := &pluginapi.Delivery{
						HookCallID: call.ID, IdempotencyKey: call.IdempotencyKey, Attempt: 1, MaxAttempts: call.MaxAttempts,
					}
					want := []string{
						whole(t, c, config, state, pluginapi.ModeBlocking, nil),
						whole(t, c, config, state, pluginapi.ModeBackground, delivery),
					}
					if diff := cmp.Diff(want, inputs(g)); diff != "" {
						t.Errorf("contexts (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// inputs are the documents the guests got.
func inputs(g *guests) []string {
	var all []string
	for _, call := range g.calls {
		all = append(all, string(call.Input))
	}
	return all
}

// A hook after a transform gets the new context, not the one shared before.
func TestContextAfterTransform(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{
		"one": says(allow), "two": transform("$target.content", `"masked"`), "three": says(allow),
	}}
	c := inputOf(`"secret"`)
	emit(t, newDispatcher(t, g, input("one"), input("two"), input("three")), c)
	masked := inputOf(`"masked"`)
	want := []string{
		whole(t, c, "", "", pluginapi.ModeBlocking, nil), whole(t, c, "", "", pluginapi.ModeBlocking, nil),
		whole(t, masked, "", "", pluginapi.ModeBlocking, nil),
	}
	if diff := cmp.Diff(want, inputs(g)); diff != "" {
		t.Errorf("contexts (-want +got):\n%s", diff)
	}
}

// A snapshot is JSON and holds what the emission's hooks share.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	c := contextAt(pluginapi.PointInput)
	c.Extensions.Snaphook.SessionState = json.RawMessage(tricky)
	snapshot, err := hook.Snapshot(&c)
	if err != nil {
		t.Fatal(err)
	}
	var got pluginapi.Context
	if err := json.Unmarshal(snapshot, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encoded(t, c), encoded(t, got)); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

// What was not stored by Snapshot is not sent.
func TestDeliverDamagedSnapshot(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{"one": says(allow)}}
	d := newDispatcher(t, g, input("one").background())
	call, snapshot := queue(t, d)
	good := string(snapshot)
	for name, data := range map[string]string{
		"cut off": good[:len(good)-1], "no cut": strings.ReplaceAll(good, "\n", ""),
		"two": good + good, "only the end": good[strings.Index(good, "\n"):],
		"not JSON": strings.Replace(good, `"agent"`, `agent`, 1), "own of another type": strings.Replace(good, "\n"+`"mode":""`, "\n"+`"mode":1`, 1),
	} {
		if data == good {
			t.Fatalf("%s: not damaged", name)
		}
		got := d.Deliver(t.Context(), call, []byte(data), host.Services{})
		want := &host.HookError{Code: "context_invalid", Message: "the stored context cannot be read"}
		if diff := cmp.Diff(want, got.Error); diff != "" {
			t.Errorf("%s: error (-want +got):\n%s", name, diff)
		}
	}
	if len(g.calls) != 0 {
		t.Errorf("sent %s", inputs(g))
	}
}

// The bounds are those of the whole context, whose parts are each within them.
func TestDeliverBounds(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{"one": says(allow)}}
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	long := func(n int) string { return `{"a":"` + strings.Repeat("x", n) + `"}` }
	const inConfig = 4 // config is the fourth level
	for name, test := range map[string]struct{ config, metadata, want string }{
		"deep config":      {deep(hook.MaxContextDepth - inConfig), "", ""},
		"deeper config":    {deep(hook.MaxContextDepth - inConfig + 1), "", "the context is nested deeper than 128 levels"},
		"deeper metadata":  {"", deep(hook.MaxContextDepth - inConfig + 1), "the context is nested deeper than 128 levels"},
		"large":            {long(hook.MaxContextBytes / 2), "", ""},
		"too large in all": {long(hook.MaxContextBytes / 2), long(hook.MaxContextBytes / 2), "the context is larger than 5 MiB"},
		"lone surrogate":   {`{"a":"\ud83d"}`, "", "the context is not valid Unicode; look for a lone surrogate or a broken character"},
		"in metadata":      {"", `{"a":"\ud83d"}`, "the context is not valid Unicode; look for a lone surrogate or a broken character"},
		"not JSON":         {`{`, "", "the context is not valid JSON"},
	} {
		d := newDispatcher(t, g, input("one").background())
		call, _ := queue(t, d)
		call.Spec.Config = json.RawMessage(test.config)
		c := contextAt(pluginapi.PointInput)
		c.Extensions.Snaphook.Metadata = json.RawMessage(test.metadata)
		snapshot, err := hook.Snapshot(&c)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if done := d.Deliver(t.Context(), call, snapshot, host.Services{}); done.Error != nil {
			got = done.Error.Message
		}
		if got != test.want {
			t.Errorf("%s: error %q, want %q", name, got, test.want)
		}
	}
}

// To the byte: the largest context is sent, one that is larger is not.
func TestDeliverLargest(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{"one": says(allow)}}
	d := newDispatcher(t, g, input("one").background())
	call, snapshot := queue(t, d)
	d.Deliver(t.Context(), call, snapshot, host.Services{})
	room := hook.MaxContextBytes - len(g.calls[0].Input) - len(`"config":{"a":""},`)
	for _, more := range []int{0, 1} {
		call.Spec.Config = json.RawMessage(`{"a":"` + strings.Repeat("x", room+more) + `"}`)
		if done := d.Deliver(t.Context(), call, snapshot, host.Services{}); (done.Error == nil) != (more == 0) {
			t.Errorf("%d bytes more: %+v", more, done.Error)
		}
	}
	if n := len(g.calls[1].Input); n != hook.MaxContextBytes {
		t.Errorf("the largest has %d bytes", n)
	}
}
