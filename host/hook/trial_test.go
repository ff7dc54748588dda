package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

var trials = hook.Trials{Now: func() time.Time { return now }}

// trialOf tries a hook, bound as given, on a context.
func trialOf(b bound, context string) host.Trial {
	resolved := bindings{b}.Resolve(component, "")[0]
	resolved.Binding.Hook = b.hook.Name
	return host.Trial{Plugin: resolved.Plugin, Binding: resolved.Binding, Context: json.RawMessage(context)}
}

func try(t *testing.T, g guest, trial host.Trial) host.TrialResult {
	t.Helper()
	result, err := trials.Try(t.Context(), &guests{exports: map[string]guest{trial.Binding.Hook: g}}, trial)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

const hello = `{"input":{"content":"hello"}}`

func TestTry(t *testing.T) {
	t.Parallel()
	const rewritten = `{"decision":"transform","transform":{"path":"$target.content","value":"hi"}}`
	for name, tc := range map[string]struct {
		bound    bound
		guest    guest
		decision pluginapi.Decision
		outcome  host.HookOutcome
		reason   string
		code     string
	}{
		"allow":            {input("one"), says(allow), "allow", host.OutcomeAllowed, "", ""},
		"nothing":          {input("one"), says(""), "allow", host.OutcomeAllowed, "", ""},
		"deny":             {input("one"), says(`{"decision":"deny","reason":"no"}`), "deny", host.OutcomeDenied, "no", ""},
		"transform":        {input("one"), says(rewritten), "transform", host.OutcomeTransformed, "", ""},
		"silent guardrail": {input("one").guardrail(), says(""), "deny", host.OutcomeFailedClosed, hook.ReasonVerdictInvalid, "verdict_invalid"},
		"failed":           {input("one"), fails(host.CallTrap), "deny", host.OutcomeFailedClosed, hook.ReasonInterceptorFailed, "trap"},
		"failed open":      {input("one").failOpen(), fails(host.CallTrap), "allow", host.OutcomeFailedOpen, "", "trap"},
		"failed guardrail": {input("one").guardrail().failOpen(), fails(host.CallTimeout), "deny", host.OutcomeFailedClosed, hook.ReasonInterceptorTimeout, "timeout"},
		"transform elsewhere": {
			input("one"), transform("$target.none", `1`), "deny", host.OutcomeFailedClosed, hook.ReasonTransformInvalid, "transform_invalid",
		},
		"background":             {input("one").background(), says(`{"decision":"deny","reason":"no"}`), "deny", host.OutcomeDenied, "no", ""},
		"failed in background":   {input("one").background(), fails(host.CallTrap), "", "", "", "trap"},
		"guardrail is no option": {input("one").guardrail().background(), says(allow), "allow", host.OutcomeAllowed, "", ""},
	} {
		result := try(t, tc.guest, trialOf(tc.bound, hello))
		code := ""
		if result.Call.Error != nil {
			code = result.Call.Error.Code
		}
		got := []string{string(result.Verdict.Decision), string(result.Call.Decision), string(result.Call.Outcome), result.Verdict.Reason, code}
		want := []string{string(tc.decision), string(tc.decision), string(tc.outcome), tc.reason, code}
		if diff := cmp.Diff(want, got); diff != "" || code != tc.code {
			t.Errorf("%s: error code %q, result (-want +got):\n%s", name, code, diff)
		}
	}
}

// The verdict is whole: with what a record leaves out.
func TestTryReturnsTheVerdict(t *testing.T) {
	t.Parallel()
	result := try(t, transform("$target.content", `"hi"`), trialOf(input("one"), hello))
	want := &pluginapi.Transform{Path: "$target.content", Value: json.RawMessage(`"hi"`)}
	if diff := cmp.Diff(want, result.Verdict.Transform); diff != "" {
		t.Errorf("transform (-want +got):\n%s", diff)
	}
	late := try(t, says(`{"decision":"deny"}`), trialOf(input("one").background(), hello))
	if len(late.Call.Warnings) != 1 || late.Call.Warnings[0].Reason != "verdict_not_enforced" {
		t.Errorf("warnings %+v", late.Call.Warnings)
	}
}

// What the host fills in makes a context that a run could have made.
func TestTryCompletesTheContext(t *testing.T) {
	t.Parallel()
	for point, given := range map[pluginapi.Point]string{
		pluginapi.PointAgentStartup:  ``,
		pluginapi.PointInput:         hello,
		pluginapi.PointPreModelCall:  `{"messages":[{"role":"user","content":"hello"}]}`,
		pluginapi.PointPostModelCall: `{"response":{"tool_calls":[{"name":"add"}]}}`,
		pluginapi.PointPreToolCall:   `{"tool_call":{"name":"add"}}`,
		pluginapi.PointPostToolCall:  `{"tool_call":{"name":"add"},"tool_result":{"value":1}}`,
		pluginapi.PointOutput:        `{"output":{"content":{"a":1}}}`,
		pluginapi.PointAgentShutdown: `{}`,
	} {
		for _, b := range []bound{at(point, "one"), at(point, "one").background()} {
			g := &guests{exports: map[string]guest{"one": says(allow)}}
			result, err := trials.Try(t.Context(), g, trialOf(b.config(`{"k":1}`), given))
			if err != nil || result.Call.Error != nil {
				t.Errorf("%s: %v, %+v", point, err, result.Call.Error)
				continue
			}
			c := g.document(t, 0)
			emitted := emit(t, newDispatcher(t, g, b), c)
			if emitted.Denied() {
				t.Errorf("%s: a run refuses the context: %+v", point, emitted.Verdict)
			}
			ext := c.Extensions.Snaphook
			if c.Target == nil || ext.Mode != b.hook.Mode || string(ext.Config) != `{"k":1}` || (ext.Delivery != nil) != (ext.Mode == "background") {
				t.Errorf("%s: document %s", point, g.calls[0].Input)
			}
		}
	}
}

// What is given stays as it is.
func TestTryKeepsWhatIsGiven(t *testing.T) {
	t.Parallel()
	const given = `{"spec":"agent-hooks/0.1","interception_point":"input","timestamp":"2025-01-02T03:04:05Z","sequence":9,
		"agent":{"id":"a","framework":"other"},"session":{"id":"s","started_at":"2025-01-01T00:00:00Z"},
		"target":{"role":"external","content":"x"},"input":{"content":"x","role":"external"},
		"extensions":{"snaphook":{"run":{"id":"r","root_id":"s","kind":"team","status":"PAUSED","background":true,
			"is_continue":true,"started_at":"2025-01-01T00:00:01Z"},"session_id":"c","component":{"kind":"team","id":"t"},
			"input":{"content":"raw"},"config":{"k": 1},"mode":"background",
			"delivery":{"hook_call_id":"h","idempotency_key":"i","attempt":3,"max_attempts":4}}}}`
	g := &guests{exports: map[string]guest{"one": says(allow)}}
	result, err := trials.Try(t.Context(), g, trialOf(input("one").background().config(`{"k":1}`), given))
	if err != nil {
		t.Fatal(err)
	}
	var want pluginapi.Context
	if err := json.Unmarshal([]byte(given), &want); err != nil {
		t.Fatal(err)
	}
	got := g.document(t, 0)
	want.Target, want.Extensions.Snaphook.Config = got.Target, got.Extensions.Snaphook.Config
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("context (-given +got):\n%s", diff)
	}
	if call := result.Call; call.RunID != "r" || call.SessionID != "c" || call.Component.Kind != "team" || call.Sequence != 9 || call.Attempt != 3 {
		t.Errorf("record %+v", call)
	}
}

func TestCheckContext(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bound   bound
		context string
		want    []string
	}{
		"no object":  {input("one"), `[]`, []string{"must be an object"}},
		"not JSON":   {input("one"), `{"a":`, []string{"is not JSON"}},
		"wrong type": {input("one"), `{"input":{"role":1}}`, []string{"input.role: must not be a number"}},
		"no time":    {input("one"), `{"timestamp":"now"}`, []string{"a time must be written as 2026-01-02T15:04:05Z"}},
		"no input":   {input("one"), ``, []string{"input.content: is missing: a context at input needs it"}},
		"unknown keys": {
			input("one"), `{"inptu":{},"Input":{},"extensions":{"snaphook":{"x":1}},"response":{"tool_calls":[{"nmae":1}]}}`,
			[]string{"Input: unknown key", "extensions.snaphook.x: unknown key", "inptu: unknown key", "response.tool_calls[0].nmae: unknown key"},
		},
		"input": {input("one"), `{"input":{"content":1,"role":"assistant"}}`, []string{
			"input.role: must be user, system or external", "input.content: must be text or an object",
		}},
		"of another hook": {
			input("one").config(`{"k":1}`),
			`{"spec":"x","interception_point":"output","sequence":-1,"input":{"content":"x"},"extensions":{"snaphook":
				{"mode":"background","config":{"k":2},"delivery":{},"session_state":[]}}}`,
			[]string{
				"spec: must be agent-hooks/0.1", "interception_point: the hook is called at input", "sequence: must not be negative",
				"extensions.snaphook.mode: the hook is called in the mode blocking",
				"extensions.snaphook.config: is another than the binding's: give one of them",
				"extensions.snaphook.delivery: is only for the mode background",
				"extensions.snaphook.session_state: is only for plugins with the permission session_state",
				"extensions.snaphook.session_state: must be an object",
			},
		},
		"target": {input("one"), `{"target":{"content":"y","role":"user"},"input":{"content":"x"}}`, []string{"target: is another than the field of the point: leave it out"}},
		"messages": {at(pluginapi.PointPreModelCall, "one"), `{"messages":[{"content":"x"},{"role":"user"}]}`, []string{
			"messages[0].role: must be a role such as user", "messages[1].content: must be text or an object",
		}},
		"no messages": {at(pluginapi.PointPreModelCall, "one"), `{}`, []string{"messages: is missing: a context at pre_model_call needs it"}},
		"no response": {at(pluginapi.PointPostModelCall, "one"), `{}`, []string{"response: is missing: a context at post_model_call needs it"}},
		"response": {at(pluginapi.PointPostModelCall, "one"), `{"response":{"content":1,"tool_calls":[{}]}}`, []string{
			"response.content: must be text or an object, or null", "response.tool_calls[0].name: is missing",
		}},
		"tool call": {at(pluginapi.PointPreToolCall, "one"), `{"tool_call":{"args":[]}}`, []string{
			"tool_call.name: is missing", "tool_call.args: must be an object",
		}},
		"no tool result": {at(pluginapi.PointPostToolCall, "one"), `{}`, []string{
			"tool_call: is missing: a context at post_tool_call needs it", "tool_result.value: is missing: a context at post_tool_call needs it",
		}},
		"no output": {at(pluginapi.PointOutput, "one"), `{}`, []string{"output.content: is missing: a context at output needs it"}},
		"output":    {at(pluginapi.PointOutput, "one"), `{"output":{"content":[]}}`, []string{"output.content: must be text or an object"}},
		"summary":   {at(pluginapi.PointAgentShutdown, "one"), `{"summary":{"reason":"bored"}}`, []string{"summary.reason: must be completed, error or cancelled"}},
	} {
		trial := trialOf(tc.bound, tc.context)
		var got []string
		for _, p := range trials.Check(trial) {
			text, _, _ := strings.Cut(p.String(), "; known are")
			got = append(got, text)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		_, err := trials.Try(t.Context(), &guests{}, trial)
		var refused *host.Error
		if !errors.As(err, &refused) || refused.Code != host.CodeInvalid || refused.Field != "context" || len(refused.Problems) != len(tc.want) {
			t.Errorf("%s: try says %v", name, err)
		}
	}
	if problems := trials.Check(trialOf(input("one"), hello)); problems != nil {
		t.Errorf("a good context: %v", problems)
	}
}

func TestCheckBoundsItsAnswer(t *testing.T) {
	t.Parallel()
	var doc strings.Builder
	for i := range 1000 {
		doc.WriteString(strings.Repeat("x", i) + `":1,"`)
	}
	problems := trials.Check(trialOf(input("one"), `{"`+doc.String()+`":1}`))
	if len(problems) != 20 {
		t.Errorf("%d problems", len(problems))
	}
}

func TestTryUnknownHook(t *testing.T) {
	t.Parallel()
	trial := trialOf(input("one"), hello)
	trial.Binding.Hook = "two"
	_, err := trials.Try(t.Context(), &guests{}, trial)
	var refused *host.Error
	if !errors.As(err, &refused) || refused.Code != host.CodeInvalid || refused.Field != "hook" {
		t.Errorf("error %v", err)
	}
	if problems := trials.Check(trial); len(problems) != 1 {
		t.Errorf("problems %v", problems)
	}
}

// A trial whose caller leaves has no result.
func TestTryCancelled(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	for _, b := range []bound{input("one"), input("one").background(), input("one").failOpen()} {
		ctx, cancel := context.WithCancelCause(t.Context())
		g := &guests{exports: map[string]guest{"one": func(context.Context, host.Call) (host.CallResult, error) {
			cancel(gone)
			return host.CallResult{}, &host.CallError{Code: host.CallCancelled}
		}}}
		if _, err := trials.Try(ctx, g, trialOf(b, hello)); !errors.Is(err, gone) {
			t.Errorf("%s: error %v", b.hook.Mode, err)
		}
	}
}

// The session's state in the context is that of the services, with the
// permission.
func TestTrySessionState(t *testing.T) {
	t.Parallel()
	for _, b := range []bound{input("granted"), input("granted").background()} {
		trial := trialOf(b, hello)
		trial.Plugin = withState{bindings{b}}.Resolve(component, "")[0].Plugin
		trial.Services.SessionState = &sessionState{state: json.RawMessage(`{"a":1}`)}
		g := &guests{exports: map[string]guest{"granted": merges(`{"b":2}`)}}
		if _, err := trials.Try(t.Context(), g, trial); err != nil {
			t.Fatal(err)
		}
		if got := string(g.document(t, 0).Extensions.Snaphook.SessionState); got != `{"a":1}` {
			t.Errorf("%s: state %s", b.hook.Mode, got)
		}
	}
}
