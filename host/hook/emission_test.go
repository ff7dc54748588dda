package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestFirstDenyStops(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{
		"one": says(`{"decision":"allow","warnings":[{"reason":"w1"}]}`),
		"two": says(`{"decision":"deny","reason":"no","message":"Not this.","warnings":[{"reason":"w1"},{"reason":"w2"}]}`),
	}}
	d := newDispatcher(t, g, input("one"), input("log").background(), input("two"), input("three"))
	got := emit(t, d, contextAt(pluginapi.PointInput))

	if diff := cmp.Diff([]string{"one", "two"}, g.called()); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
	want := []string{"one completed allowed", "two completed denied no", "three skipped earlier_deny"}
	if diff := cmp.Diff(want, outline(got.Calls)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	verdict := pluginapi.Verdict{
		Decision: pluginapi.Deny, Reason: "no", Message: "Not this.",
		Warnings: []pluginapi.Warning{{Reason: "w1"}, {Reason: "w2"}},
	}
	if diff := cmp.Diff(verdict, got.Verdict); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if !got.Denied() || got.Decider == nil || got.Decider.FullName() != "two.two" {
		t.Errorf("decided by %v", got.Decider)
	}
	if len(got.Background) != 1 || got.Background[0].Name != "log" {
		t.Errorf("background hooks %v", got.Background)
	}
	if r := got.Calls[2]; r.Position != 3 || r.Sequence != 7 || r.RunID != "r" || r.Component != component || r.Attempt != 0 {
		t.Errorf("skipped record %+v", r)
	}
}

func TestTransformsFold(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{
		"one":   transform("$target.content", `"masked"`),
		"two":   says(allow),
		"three": transform("$target", `{"content":{"n":9007199254740993},"role":"external"}`),
		"four":  says(""),
	}}
	d := newDispatcher(t, g, input("one"), input("two"), input("three"), input("four"))
	original := contextAt(pluginapi.PointInput)
	got := emit(t, d, original)

	for i, want := range []string{`"hello"`, `"masked"`, `"masked"`, `{"n":9007199254740993}`} {
		doc := g.document(t, i)
		if string(doc.Input.Content) != want || string(doc.Extensions.Snaphook.Input.Content) != want {
			t.Errorf("hook %d saw %s and %s, want %s", i, doc.Input.Content, doc.Extensions.Snaphook.Input.Content, want)
		}
		if strings.Contains(string(g.calls[i].Input), "hello") != (i == 0) {
			t.Errorf("hook %d: the raw input is in %s", i, g.calls[i].Input)
		}
	}
	if got.Verdict.Decision != pluginapi.TransformTo || got.Context.Input.Role != "external" {
		t.Errorf("came to %s, %+v", got.Verdict.Decision, got.Context.Input)
	}
	if string(original.Input.Content) != `"hello"` || string(original.Extensions.Snaphook.Input.Content) != `"hello"` {
		t.Error("the caller's context was changed")
	}
	if got.Calls[0].Outcome != host.OutcomeTransformed || got.Calls[0].StartedAt != now || got.Calls[0].FinishedAt != now {
		t.Errorf("record %+v", got.Calls[0])
	}
}

func TestHooksGetTheirOwnCopy(t *testing.T) {
	t.Parallel()
	scribble := func(_ context.Context, call host.Call) (host.CallResult, error) {
		for i := range call.Input {
			call.Input[i] = 'x'
		}
		return host.CallResult{Output: []byte(allow)}, nil
	}
	g := &guests{exports: map[string]guest{"one": scribble, "two": says(allow)}}
	d := newDispatcher(t, g, input("one").config(`{"k":1}`), input("two").config(`{"k":2}`))
	got := emit(t, d, contextAt(pluginapi.PointInput))
	doc := g.document(t, 1)
	if string(doc.Target) != `{"content":"hello","role":"user"}` || string(got.Context.Input.Content) != `"hello"` {
		t.Errorf("the second hook saw %s, the result is %s", doc.Target, got.Context.Input.Content)
	}
	ext := doc.Extensions.Snaphook
	if string(ext.Config) != `{"k":2}` || ext.Mode != pluginapi.ModeBlocking || ext.Delivery != nil {
		t.Errorf("extension %+v", ext)
	}
	if call := g.calls[1]; string(call.Config) != `{"k":2}` || call.Timeout != hook.DefaultBlockingTimeout || call.Digest != "sha256:two" {
		t.Errorf("call %+v", call)
	}
}

func TestCallErrorsDeny(t *testing.T) {
	t.Parallel()
	for code, reason := range map[host.CallErrorCode]string{
		host.CallTrap:           hook.ReasonInterceptorFailed,
		host.CallTimeout:        hook.ReasonInterceptorTimeout,
		host.CallCancelled:      hook.ReasonInterceptorFailed,
		host.CallOutputTooLarge: hook.ReasonInterceptorFailed,
		host.CallInputTooLarge:  hook.ReasonInterceptorFailed,
		host.CallExit:           hook.ReasonInterceptorFailed,
		host.CallFailed:         hook.ReasonInterceptorFailed,
		host.CallMissingExport:  hook.ReasonInterceptorFailed,
		host.CallWrongSignature: hook.ReasonInterceptorFailed,
		host.CallUnavailable:    hook.ReasonInterceptorFailed,
	} {
		for _, b := range []bound{input("one"), input("one").guardrail().failOpen()} {
			d := newDispatcher(t, &guests{exports: map[string]guest{"one": fails(code)}}, b)
			got := emit(t, d, contextAt(pluginapi.PointInput))
			record := got.Calls[0]
			if !got.Denied() || got.Verdict.Reason != reason || record.Outcome != host.OutcomeFailedClosed {
				t.Errorf("%s: %s by %s, %s", code, got.Verdict.Decision, got.Verdict.Reason, record.Outcome)
			}
			if diff := cmp.Diff(&host.HookError{Code: string(code), Message: guestText}, record.Error); diff != "" {
				t.Errorf("%s: error (-want +got):\n%s", code, diff)
			}
			if want := fmt.Sprintf("The hook one.one failed (%s).", code); got.Verdict.Message != want || record.Message != want {
				t.Errorf("%s: message %q, %q", code, got.Verdict.Message, record.Message)
			}
		}
	}
}

func TestPlainErrorAndPanicDeny(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]guest{
		"error": func(context.Context, host.Call) (host.CallResult, error) {
			return host.CallResult{}, errors.New(guestText)
		},
		"panic": func(context.Context, host.Call) (host.CallResult, error) { panic(guestText) },
	} {
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": g}}, input("one"))
		got := emit(t, d, contextAt(pluginapi.PointInput))
		if got.Verdict.Reason != hook.ReasonInterceptorFailed || strings.Contains(got.Verdict.Message, guestText) {
			t.Errorf("%s: %+v", name, got.Verdict)
		}
		if strings.Contains(got.Calls[0].Error.Message, guestText) {
			t.Errorf("%s: error %+v", name, got.Calls[0].Error)
		}
	}
}

func TestFailedOpen(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{
		"one": fails(host.CallTrap), "two": says(`{"decision":"maybe"}`), "three": transform("$target.nothing", `1`),
	}}
	d := newDispatcher(t, g, input("one").failOpen(), input("two").failOpen(), input("three").failOpen())
	got := emit(t, d, contextAt(pluginapi.PointInput))
	if got.Verdict.Decision != pluginapi.Allow || len(got.Verdict.Warnings) != 3 {
		t.Fatalf("came to %+v", got.Verdict)
	}
	for i, want := range []pluginapi.Warning{
		{Reason: "failed_open", Message: "The hook one.one failed (trap)."},
		{Reason: "failed_open", Message: "The hook two.two failed (verdict_invalid)."},
		{Reason: "failed_open", Message: "The hook three.three failed (transform_invalid)."},
	} {
		record := got.Calls[i]
		if record.Outcome != host.OutcomeFailedOpen || record.Decision != pluginapi.Allow || record.Error == nil {
			t.Errorf("record %+v", record)
		}
		if diff := cmp.Diff([]pluginapi.Warning{want}, record.Warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	}
	if string(got.Context.Input.Content) != `"hello"` {
		t.Errorf("content %s", got.Context.Input.Content)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	evidence := func(n int) string {
		return `{"decision":"allow","evidence":{"artefact":"` + strings.Repeat("e", n-len(`{"artefact":""}`)) + `"}}`
	}
	for name, test := range map[string]struct {
		output    string
		guardrail bool
		reason    string // "" permits
	}{
		"empty":               {output: " \n"},
		"empty guardrail":     {output: " \n", guardrail: true, reason: hook.ReasonVerdictInvalid},
		"allow":               {output: allow},
		"allow guardrail":     {output: allow, guardrail: true},
		"not JSON":            {output: `{"decision":`, reason: hook.ReasonInterceptorFailed},
		"not an object":       {output: `["allow"]`, reason: hook.ReasonVerdictInvalid},
		"unknown decision":    {output: `{"decision":"warn"}`, reason: hook.ReasonVerdictInvalid},
		"reserved reason":     {output: `{"decision":"deny","reason":"host_error:x"}`, reason: hook.ReasonVerdictInvalid},
		"missing transform":   {output: `{"decision":"transform"}`, reason: hook.ReasonVerdictInvalid},
		"evidence fits":       {output: evidence(pluginapi.MaxEvidenceBytes)},
		"evidence too large":  {output: evidence(pluginapi.MaxEvidenceBytes + 1), reason: hook.ReasonVerdictInvalid},
		"evidence, canonical": {output: `{"decision":"allow","evidence":{"artefact":"` + strings.Repeat(`\u0061`, 4000) + `"}}`},
	} {
		b := input("one")
		b.hook.Guardrail = test.guardrail
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": says(test.output)}}, b)
		got := emit(t, d, contextAt(pluginapi.PointInput))
		if got.Denied() != (test.reason != "") || got.Verdict.Reason != test.reason {
			t.Errorf("%s: %s by %q", name, got.Verdict.Decision, got.Verdict.Reason)
		}
	}
}

func TestMissingPlugin(t *testing.T) {
	t.Parallel()
	gone := func(b bound) bound { b.missing = true; return b }
	inBackground := gone(input("two"))
	inBackground.binding.Mode = pluginapi.ModeBackground
	otherHook := input("three")
	otherHook.binding.Hook = "nothing"
	deactivated := func(b bound) bound { b.inactive = true; return b }
	const denied = "failed_closed unavailable " + hook.ReasonInterceptorFailed

	for name, test := range map[string]struct {
		bound bound
		want  []string
	}{
		"blocking":                 {gone(input("one")), []string{denied}},
		"never fails open":         {gone(input("one")).failOpen(), []string{denied}},
		"in background":            {inBackground, []string{"background"}},
		"unknown hook of many":     {otherHook, []string{denied}},
		"deactivated":              {deactivated(input("four")), []string{denied}},
		"deactivated guardrail":    {deactivated(input("five")).guardrail().failOpen(), []string{denied}},
		"deactivated, fails open":  {deactivated(input("six")).failOpen(), []string{"failed_open unavailable"}},
		"deactivated, background":  {deactivated(input("seven")).background(), []string{"background"}},
		"deactivated, other point": {deactivated(at(pluginapi.PointOutput, "eight")), nil},
	} {
		g := &guests{}
		got := emit(t, newDispatcher(t, g, test.bound), contextAt(pluginapi.PointInput))
		var came []string
		for _, call := range got.Calls {
			came = append(came, strings.TrimSpace(fmt.Sprintf("%s %s %s", call.Outcome, call.Error.Code, call.Reason)))
		}
		for _, h := range got.Background {
			if h.Missing {
				came = append(came, "background")
			}
		}
		if diff := cmp.Diff(test.want, came); diff != "" || len(g.calls) != 0 {
			t.Errorf("%s: %d calls, results (-want +got):\n%s", name, len(g.calls), diff)
		}
	}
}

func TestRequired(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hooks  []bound
		denies bool
	}{
		"none":       {nil, true},
		"background": {[]bound{input("one").background()}, true},
		"elsewhere":  {[]bound{at(pluginapi.PointOutput, "one")}, true},
		"blocking":   {[]bound{input("one")}, false},
	} {
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": says(allow)}}, test.hooks...)
		e := emission(d, contextAt(pluginapi.PointInput))
		e.Required = true
		got, err := d.Emit(t.Context(), e)
		if err != nil || got.Denied() != test.denies {
			t.Errorf("%s: %+v, %v", name, got.Verdict, err)
		}
		if test.denies && (got.Verdict.Reason != hook.ReasonNoInterceptor || got.Decider != nil) {
			t.Errorf("%s: %+v", name, got.Verdict)
		}
	}
}

func TestPassThrough(t *testing.T) {
	t.Parallel()
	for _, point := range pluginapi.Points() {
		d := newDispatcher(t, &guests{}, at(point, "one").background())
		got := emit(t, d, contextAt(point))
		if got.Denied() || len(got.Calls) != 0 || len(got.Background) != 1 || len(got.Context.Target) == 0 {
			t.Errorf("%s: %+v", point, got)
		}
	}
}

func TestContextBounds(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n) }
	const around = 4 // the context, extensions, snaphook, input
	for name, test := range map[string]struct {
		content string
		denies  bool
	}{
		"small":                {`"x"`, false},
		"large":                {`"` + strings.Repeat("x", hook.MaxContextBytes) + `"`, true},
		"deep":                 {nested(hook.MaxContextDepth - around), false},
		"too deep":             {nested(hook.MaxContextDepth - around + 1), true},
		"brackets in a string": {`"` + strings.Repeat(`[`, 200) + `\"[{"`, false},
		"surrogates":           {`"\ud83d\ude00 \\ud83d é"`, false},
		"lone high surrogate":  {`"` + guestText + `\ud83d"`, true},
		"two high surrogates":  {`"\ud83d\ud83d"`, true},
		"high, then a letter":  {`"\ud83d\u0061"`, true},
		"lone low surrogate":   {`"\uDE00"`, true},
		"in a name":            {`{"\ud83d":1}`, true},
		"broken character":     {"\"\xff\"", true},
		"not JSON":             {`"` + guestText, true},
		"neither text nor map": {`5`, true},
	} {
		g := &guests{exports: map[string]guest{"one": says(allow), "two": says(allow)}}
		d := newDispatcher(t, g, input("one").failOpen(), input("two"))
		got := emit(t, d, inputOf(test.content))
		if got.Denied() != test.denies {
			t.Errorf("%s: %+v", name, got.Verdict)
		}
		if !test.denies {
			continue
		}
		if got.Verdict.Reason != hook.ReasonContextInvalid || got.Decider != nil || len(g.calls) != 0 {
			t.Errorf("%s: %q by %v, %d calls", name, got.Verdict.Reason, got.Decider, len(g.calls))
		}
		if strings.Contains(got.Verdict.Message, guestText) || len(got.Calls) != 2 {
			t.Errorf("%s: %q, %v", name, got.Verdict.Message, outline(got.Calls))
		}
	}
}

func TestIncompleteContexts(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*pluginapi.Context){
		"no spec":       func(c *pluginapi.Context) { c.Spec = "" },
		"no agent":      func(c *pluginapi.Context) { c.Agent.ID = "" },
		"no session":    func(c *pluginapi.Context) { c.Session.ID = "" },
		"no extension":  func(c *pluginapi.Context) { c.Extensions.Snaphook = nil },
		"bad sequence":  func(c *pluginapi.Context) { c.Sequence = -1 },
		"no target":     func(c *pluginapi.Context) { c.Input = nil },
		"unknown role":  func(c *pluginapi.Context) { c.Input.Role = "root" },
		"unknown point": func(c *pluginapi.Context) { c.Point = "lunch" },
	} {
		g := &guests{exports: map[string]guest{"one": says(allow)}}
		hooks := []bound{input("one"), at("lunch", "one")}
		c := contextAt(pluginapi.PointInput)
		damage(&c)
		got := emit(t, newDispatcher(t, g, hooks...), c)
		if got.Verdict.Reason != hook.ReasonContextInvalid || len(g.calls) != 0 {
			t.Errorf("%s: %+v, %d calls", name, got.Verdict, len(g.calls))
		}
		if diff := cmp.Diff([]string{"one skipped earlier_deny"}, outline(got.Calls)); diff != "" {
			t.Errorf("%s: records (-want +got):\n%s", name, diff)
		}
	}
	for _, point := range pluginapi.Points() {
		c := contextAt(pluginapi.PointInput)
		c.Point, c.Input = point, nil
		if got := emit(t, newDispatcher(t, &guests{}), c); got.Verdict.Reason != hook.ReasonContextInvalid {
			t.Errorf("%s without its fields: %+v", point, got.Verdict)
		}
	}
}

func TestCancelledDuringAHook(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the client left")
	g := &guests{exports: map[string]guest{"one": says(allow), "two": func(ctx context.Context, _ host.Call) (host.CallResult, error) {
		cancel(gone)
		<-ctx.Done()
		return host.CallResult{Logs: []host.LogLine{{Message: "was here"}}},
			&host.CallError{Code: host.CallCancelled, Message: "cancelled", Err: ctx.Err()}
	}}}
	d := newDispatcher(t, g, input("one"), input("two").failOpen(), input("log").background(), input("three"))
	got, err := d.Emit(ctx, emission(d, contextAt(pluginapi.PointInput)))
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	want := []string{"one completed allowed", "two cancelled", "three skipped cancelled"}
	if diff := cmp.Diff(want, outline(got.Calls)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if len(got.Calls[1].Logs) != 1 || got.Calls[1].Error == nil || len(got.Background) != 1 {
		t.Errorf("record %+v, background %v", got.Calls[1], got.Background)
	}
}

// What a hook answered counts, even if nobody waits for it any more.
func TestCancelledAfterAnAnswer(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[string][]string{
		`{"decision":"deny","reason":"no"}`: {"one completed denied no", "two skipped earlier_deny"},
		allow:                               {"one completed allowed", "two skipped cancelled"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		g := &guests{exports: map[string]guest{"one": func(context.Context, host.Call) (host.CallResult, error) {
			cancel()
			return host.CallResult{Output: []byte(verdict)}, nil
		}}}
		d := newDispatcher(t, g, input("one"), input("two"))
		got, err := d.Emit(ctx, emission(d, contextAt(pluginapi.PointInput)))
		if diff := cmp.Diff(want, outline(got.Calls)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if got.Denied() == errors.Is(err, context.Canceled) {
			t.Errorf("came to %+v and %v", got.Verdict, err)
		}
	}
}

func TestCancelledBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := &guests{exports: map[string]guest{"one": says(allow)}}
	d := newDispatcher(t, g, input("one"))
	got, err := d.Emit(ctx, emission(d, contextAt(pluginapi.PointInput)))
	if !errors.Is(err, context.Canceled) || len(g.calls) != 0 {
		t.Errorf("error %v, %d calls", err, len(g.calls))
	}
	if diff := cmp.Diff([]string{"one skipped cancelled"}, outline(got.Calls)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestObservers(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{
		"one": transform("$target.content", `"masked"`), "two": fails(host.CallTrap), "three": says(`{"decision":"deny"}`),
	}}
	d := newDispatcher(t, g, input("one"), input("log").background(), input("two").failOpen(), input("three"), input("four"))
	e := emission(d, contextAt(pluginapi.PointInput))
	var seen []string
	tell := func(when string) func(*hook.Hook, *pluginapi.Context) {
		return func(h *hook.Hook, c *pluginapi.Context) {
			seen = append(seen, when+" "+h.Name+" "+string(c.Input.Content))
		}
	}
	e.Started, e.Completed = tell("started"), tell("completed")
	if _, err := d.Emit(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`started one "hello"`, `completed one "masked"`, `started two "masked"`, `completed two "masked"`, `started three "masked"`,
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestRecordedMessagesAreCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 200)
	g := &guests{exports: map[string]guest{
		"one": says(fmt.Sprintf(`{"decision":"deny","message":%q,"warnings":[{"message":%q}]}`, long, long)),
	}}
	got := emit(t, newDispatcher(t, g, input("one")), contextAt(pluginapi.PointInput))
	want := strings.Repeat("é", 126) + "…"
	if got.Calls[0].Message != want || got.Calls[0].Warnings[0].Message != want || len(want) > 256 {
		t.Errorf("recorded %q, %q", got.Calls[0].Message, got.Calls[0].Warnings[0].Message)
	}
	if got.Verdict.Message != long || got.Verdict.Warnings[0].Message != long {
		t.Errorf("verdict %+v", got.Verdict)
	}
}

func TestLogsAndDurationAreRecorded(t *testing.T) {
	t.Parallel()
	lines := []host.LogLine{{At: now, Level: "warn", Message: "careful"}, {At: now, Level: "error", Message: "ouch"}}
	g := &guests{exports: map[string]guest{"one": func(context.Context, host.Call) (host.CallResult, error) {
		return host.CallResult{Logs: lines, Duration: 1500_000}, &host.CallError{Code: host.CallTrap, Message: "trap"}
	}}}
	got := emit(t, newDispatcher(t, g, input("one")), contextAt(pluginapi.PointInput))
	if diff := cmp.Diff(lines, got.Calls[0].Logs); diff != "" || got.Calls[0].DurationMS != 1.5 {
		t.Errorf("duration %v, logs (-want +got):\n%s", got.Calls[0].DurationMS, diff)
	}
}

func TestDocumentsAreValid(t *testing.T) {
	t.Parallel()
	for _, point := range pluginapi.Points() {
		g := &guests{exports: map[string]guest{"one": says(allow)}}
		if got := emit(t, newDispatcher(t, g, at(point, "one")), contextAt(point)); got.Denied() {
			t.Fatalf("%s: %+v", point, got.Verdict)
		}
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(g.calls[0].Input, &doc); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"spec", "interception_point", "timestamp", "sequence", "agent", "session", "target"} {
			if len(doc[name]) == 0 {
				t.Errorf("%s: %s is missing", point, name)
			}
		}
	}
}
