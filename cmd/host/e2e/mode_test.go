package e2e

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestModes: guardrail, then binding, then manifest, then the host's switch
// decide whether a run waits for a hook.
func TestModes(t *testing.T) {
	t.Parallel()
	hooks := []hook{
		{name: "plain", point: "output", does: guesttest.Answers(allow)},
		{name: "waits", point: "output", fields: []string{"mode: blocking"}, does: guesttest.Answers(allow)},
		{name: "later", point: "output", fields: []string{"mode: background"}, does: guesttest.Answers(allow)},
		{name: "guards", point: "output", fields: []string{"guardrail: true"}, does: guesttest.Answers(allow)},
	}
	for _, inBackground := range []bool{false, true} {
		plain := map[bool]string{false: "blocking", true: "background"}[inBackground]
		tests := []struct{ hook, bound, want string }{
			{"plain", "", plain},
			{"plain", "blocking", "blocking"},
			{"plain", "background", "background"},
			{"waits", "", "blocking"},
			{"waits", "blocking", "blocking"},
			{"waits", "background", "background"},
			{"later", "", "background"},
			{"later", "blocking", "blocking"},
			{"later", "background", "background"},
			{"guards", "", "blocking"},
			{"guards", "blocking", "blocking"},
			{"guards", "background", "blocking"},
		}
		t.Run(fmt.Sprintf("run_hooks_in_background=%t", inBackground), func(t *testing.T) {
			t.Parallel()
			p := newSite(t, config{more: fmt.Sprintf("run_hooks_in_background: %t\n", inBackground)}).start(t)
			p.install(t, newPlugin(t, "modes", "", hooks...))
			var bindings []binding
			var want []string
			for _, tt := range tests {
				b := binding{"plugin": "modes", "hook": tt.hook}
				if tt.bound != "" {
					b["mode"] = tt.bound
				}
				bindings = append(bindings, b)
				want = append(want, "modes."+tt.hook+" "+tt.want+" completed allowed")
			}
			p.bind(t, "agent", bindings...)
			done := p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
			if diff := cmp.Diff(want, summaries(p.settled(t, done.RunID))); diff != "" {
				t.Errorf("hook calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestGuardrailBlocksInAllCases: neither the host's switch nor a binding lets
// one pass, whether it denies or fails.
func TestGuardrailBlocksInAllCases(t *testing.T) {
	t.Parallel()
	guardrail := []string{"guardrail: true", "timeout: 200ms"}
	hooks := []hook{
		{name: "denies", point: "input", fields: guardrail, does: guesttest.Answers(deny)},
		{name: "traps", point: "input", fields: guardrail, does: guesttest.Traps()},
		{name: "loops", point: "input", fields: guardrail, does: guesttest.Loops()},
		{name: "garbles", point: "input", fields: guardrail, does: guesttest.Answers("not JSON")},
		{name: "silent", point: "input", fields: guardrail, does: guesttest.Answers("")},
		{name: "output", point: "output", fields: guardrail, does: guesttest.Traps()},
	}
	reasons := map[string]string{
		"denies": "not_today", "traps": "host_error:interceptor_failed", "loops": "host_error:interceptor_timeout",
		"garbles": "host_error:interceptor_failed", "silent": "host_error:verdict_invalid", "output": "host_error:interceptor_failed",
	}
	for _, inBackground := range []bool{false, true} {
		t.Run(fmt.Sprintf("run_hooks_in_background=%t", inBackground), func(t *testing.T) {
			t.Parallel()
			p := newSite(t, config{more: fmt.Sprintf("run_hooks_in_background: %t\n", inBackground)}).start(t)
			p.install(t, newPlugin(t, "guard", "", hooks...))
			for _, more := range []binding{{}, {"mode": "background"}, {"on_error": "allow"}, {"mode": "background", "on_error": "allow"}} {
				for name, reason := range reasons {
					b := binding{"plugin": "guard", "hook": name}
					for key, value := range more {
						b[key] = value
					}
					p.bind(t, "agent", b)
					if got := p.run(t, "agent", form{"message": "hello"}); got.Status != "ERROR" || got.ErrorID != reason {
						t.Errorf("%v: the run is %s with %q, want ERROR with %q", b, got.Status, got.ErrorID, reason)
					}
				}
			}
		})
	}
}

// TestFailedBlockingHook: a check that could not be made counts as a deny, or,
// where the binding wants that, as an allow that everybody can see.
func TestFailedBlockingHook(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		does   guesttest.Hook
		reason string
		code   string
	}{
		{"traps", guesttest.Traps(), "host_error:interceptor_failed", "trap"},
		{"loops", guesttest.Loops(), "host_error:interceptor_timeout", "timeout"},
		{"garbles", guesttest.Answers("{"), "host_error:interceptor_failed", "verdict_invalid"},
		{"invents", guesttest.Answers(`{"decision":"maybe"}`), "host_error:verdict_invalid", "verdict_invalid"},
		{"reserves", guesttest.Answers(`{"decision":"deny","reason":"host_error:mine"}`), "host_error:verdict_invalid", "verdict_invalid"},
		{"strays", guesttest.Answers(`{"decision":"transform","transform":{"path":"$target.nowhere","value":1}}`), "host_error:transform_invalid", "transform_invalid"},
		{"floods", guesttest.Outputs(300 << 10), "host_error:interceptor_failed", "output_too_large"},
	}
	var hooks []hook
	for _, tt := range tests {
		hooks = append(hooks, hook{name: tt.name, point: "input", fields: []string{"timeout: 500ms"}, does: tt.does})
	}
	p := newSite(t, config{}).start(t)
	p.install(t, newPlugin(t, "broken", "", hooks...))
	for _, tt := range tests {
		p.bind(t, "agent", binding{"plugin": "broken", "hook": tt.name})
		closed := p.run(t, "agent", form{"message": "hello"})
		if closed.Status != "ERROR" || closed.ErrorType != "input_check_error" || closed.ErrorID != tt.reason {
			t.Errorf("%s: the run is %s with %s %q, want %q", tt.name, closed.Status, closed.ErrorType, closed.ErrorID, tt.reason)
		}
		call := p.hooks(t, closed.RunID)[0]
		if call.Outcome != "failed_closed" || call.Error == nil || call.Error.Code != tt.code {
			t.Errorf("%s with %+v, want failed_closed with %s", call.summary(), call.Error, tt.code)
		}

		p.bind(t, "agent", binding{"plugin": "broken", "hook": tt.name, "on_error": "allow"})
		open := p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
		call = p.hooks(t, open.RunID)[0]
		if call.Outcome != "failed_open" || !call.warned("failed_open") || call.Error == nil {
			t.Errorf("%s with %+v and %v, want failed_open with a warning", call.summary(), call.Error, call.Warnings)
		}
	}
}
