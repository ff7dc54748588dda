package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

const secret = "secret-7351"

func TestRefusedInput(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		background(pluginapi.PointAgentStartup, "start"),
		background(pluginapi.PointInput, "log"),
		blocking(pluginapi.PointInput, "guard", says(deny)),
		blocking(pluginapi.PointInput, "later", says(allow)),
		background(pluginapi.PointInput, "count"),
		background(pluginapi.PointPreToolCall, "tool"),
		background(pluginapi.PointOutput, "notify"),
		background(pluginapi.PointAgentShutdown, "end"))
	var s stream
	req := asks(secret)
	req.Events = s.send
	run := f.run(t, req)

	if run.Status != host.RunError || string(run.Content) != `"Not here."` || string(run.Input) != `"[refused: forbidden]"` {
		t.Errorf("run %+v", run)
	}
	want := &host.Failure{
		Type: host.FailureInputCheck, ID: "forbidden", Message: "Not here.", Refused: true,
		Data: []byte(`{"plugin":"guard","hook":"hook","point":"input"}`),
	}
	if diff := cmp.Diff(want, run.Failure); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
	if len(f.model.requests) != 0 || run.Messages != nil {
		t.Errorf("the model was asked %d times; messages %v", len(f.model.requests), run.Messages)
	}
	if diff := cmp.Diff([]string{"RunStarted", "PreHookStarted guard.hook", "RunError"}, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	calls := []string{
		"agent_startup start skipped run_refused",
		"input log skipped run_refused", "input guard completed forbidden",
		"input later skipped earlier_deny", "input count skipped run_refused",
		"pre_tool_call tool skipped run_refused", "output notify skipped run_refused", "agent_shutdown end skipped run_refused",
	}
	if diff := cmp.Diff(calls, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if f.store.contains(t, secret) || len(f.store.finishes[0].Snapshots) != 0 {
		t.Error("something of the input was stored")
	}
	if got := f.pool.Reserve("another", 100); got != 10 {
		t.Errorf("the pool has room for %d", got)
	}
}

func TestRefusedInputIsNotHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointInput, "guard", func(_ ctx, c pluginapi.Context) (string, error) {
		if strings.Contains(string(c.Input.Content), secret) {
			return deny, nil
		}
		return allow, nil
	}))
	f.run(t, asks(secret))
	f.run(t, asks("hello"))
	if got := f.model.requests[0].Messages; len(got) != 2 {
		t.Errorf("the model saw %s", got)
	}
}

func TestStoreRefusedInput(t *testing.T) {
	t.Parallel()
	mask := blocking(pluginapi.PointInput, "mask", says(transform("$target.content", "masked")))
	guard := blocking(pluginapi.PointInput, "guard", says(deny))
	for name, test := range map[string]struct {
		hooks []boundHook
		want  string
	}{
		"as it came":           {[]boundHook{guard}, `"` + secret + `"`},
		"as a hook left it":    {[]boundHook{mask, guard}, `"masked"`},
		"before input":         {[]boundHook{blocking(pluginapi.PointAgentStartup, "start", says(deny)), mask}, `"[refused: forbidden]"`},
		"permitted, no answer": {[]boundHook{mask, blocking(pluginapi.PointPreModelCall, "guard", says(deny))}, `"masked"`},
	} {
		f := newFixture(t, test.hooks...)
		f.agent.StoreRefusedInput = true
		run := f.run(t, asks(secret))
		if got := f.stored(t, run.ID); string(got.Input) != test.want || got.Status != host.RunError {
			t.Errorf("%s: input %s of a run that is %s", name, got.Input, got.Status)
		}
		if f.store.contains(t, secret) != (test.want == `"`+secret+`"`) {
			t.Errorf("%s: the raw input in the database", name)
		}
	}
}

func TestRefusalsAtEveryPoint(t *testing.T) {
	t.Parallel()
	for point, test := range map[pluginapi.Point]struct {
		failure string
		asked   int
		input   string
	}{
		pluginapi.PointAgentStartup:  {host.FailureInputCheck, 0, `"[refused: forbidden]"`},
		pluginapi.PointInput:         {host.FailureInputCheck, 0, `"[refused: forbidden]"`},
		pluginapi.PointPreModelCall:  {host.FailureInputCheck, 0, `"hello"`},
		pluginapi.PointPostModelCall: {host.FailureOutputCheck, 1, `"hello"`},
		pluginapi.PointOutput:        {host.FailureOutputCheck, 1, `"hello"`},
	} {
		f := newFixture(t,
			background(pluginapi.PointInput, "log"),
			blocking(point, "guard", says(deny)),
			blocking(pluginapi.PointAgentShutdown, "end", says(allow)))
		run := f.run(t, asks("hello"))
		if run.Status != host.RunError || run.Failure.Type != test.failure || !run.Failure.Refused || string(run.Input) != test.input {
			t.Errorf("%s: %+v", point, run)
		}
		if len(f.model.requests) != test.asked {
			t.Errorf("%s: the model was asked %d times", point, len(f.model.requests))
		}
		for _, call := range f.store.finishes[0].Calls {
			if call.Status == host.HookCallQueued {
				t.Errorf("%s: %s was queued", point, call.Plugin)
			}
		}
		if end := f.hooks.at(pluginapi.PointAgentShutdown); len(end) != 1 || end[0].Summary.Reason != "error" {
			t.Errorf("%s: shutdown %+v", point, end)
		}
	}
}

func TestDenyAtShutdownHasNoEffect(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointAgentShutdown, "end", says(deny)), background(pluginapi.PointAgentShutdown, "log"))
	run := f.run(t, asks("hello"))
	if run.Status != host.RunCompleted || string(run.Content) != `"hello"` {
		t.Errorf("run %+v", run)
	}
	want := []string{"agent_shutdown end completed forbidden", "agent_shutdown log queued"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRefusedOutput(t *testing.T) {
	t.Parallel()
	const answer = "the answer is " + secret
	f := newFixture(t,
		background(pluginapi.PointPostModelCall, "post"),
		background(pluginapi.PointOutput, "log"),
		blocking(pluginapi.PointOutput, "guard", func(_ ctx, c pluginapi.Context) (string, error) {
			if strings.Contains(string(c.Output.Content), secret) {
				return `{"decision":"deny"}`, nil
			}
			return allow, nil
		}))
	f.model.answer = answers(answer)
	var s stream
	req := asks("hello")
	req.Events = s.send
	run := f.run(t, req)
	if run.Status != host.RunError || string(run.Content) != `"output_not_allowed"` || run.Failure.ID != "output_not_allowed" {
		t.Errorf("run %+v", run)
	}
	want := []string{"RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "PostHookStarted guard.hook", "RunError"}
	if diff := cmp.Diff(want, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if s.contains(t, secret) || f.store.contains(t, secret) {
		t.Error("the answer is in the stream or the database")
	}
	f.model.answer = nil
	f.run(t, asks("again"))
	for _, m := range f.model.requests[1].Messages {
		if strings.Contains(string(m.Content), secret) || strings.Contains(string(m.Content), "hello") {
			t.Errorf("the next turn saw %s", m.Content)
		}
	}
}

func TestFailedGuardRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointInput, "guard", func(ctx, pluginapi.Context) (string, error) {
		return "", &host.CallError{Code: host.CallTrap, Message: secret}
	}))
	run := f.run(t, asks("hello"))
	if run.Failure == nil || run.Failure.ID != hook.ReasonInterceptorFailed || !run.Failure.Refused {
		t.Fatalf("run %+v", run)
	}
	if string(run.Content) != `"The hook guard.hook failed (trap)."` || string(run.Input) != `"[refused: host_error:interceptor_failed]"` {
		t.Errorf("content %s, input %s", run.Content, run.Input)
	}
}

func TestRequireHooks(t *testing.T) {
	t.Parallel()
	in := blocking(pluginapi.PointInput, "in", says(allow))
	out := blocking(pluginapi.PointOutput, "out", says(allow))
	for name, test := range map[string]struct {
		hooks  []boundHook
		denied string // the point, or nothing
	}{
		"none":       {nil, "input"},
		"background": {[]boundHook{background(pluginapi.PointInput, "log"), out}, "input"},
		"input only": {[]boundHook{in}, "output"},
		"both":       {[]boundHook{in, out}, ""},
	} {
		f := newFixture(t, test.hooks...)
		f.agent.RequireHooks = true
		var s stream
		req := asks("hello")
		req.Events = s.send
		run := f.run(t, req)
		if test.denied == "" {
			if run.Status != host.RunCompleted {
				t.Errorf("%s: %+v", name, run)
			}
			continue
		}
		if run.Failure == nil || run.Failure.ID != hook.ReasonNoInterceptor || string(run.Failure.Data) != `{"point":"`+test.denied+`"}` {
			t.Errorf("%s: %+v", name, run)
		}
		if s.content() != "" {
			t.Errorf("%s: %q left", name, s.content())
		}
	}
}
