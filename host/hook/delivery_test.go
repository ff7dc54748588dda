package hook_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// queue enqueues the first hook of the point input.
func queue(t *testing.T, d *hook.Dispatcher) (host.HookCall, []byte) {
	t.Helper()
	c := contextAt(pluginapi.PointInput)
	snapshot, err := hook.Snapshot(&c)
	if err != nil {
		t.Fatal(err)
	}
	h := &d.Plan(component, "").At(pluginapi.PointInput)[0]
	return d.Queued(h, occasion(), "snap", host.Lease{Owner: "node", Until: now.Add(time.Second)}), snapshot
}

func occasion() hook.Occasion {
	return hook.Occasion{
		Run: hook.RunRef{ID: "r", SessionID: "s", Component: component}, Point: pluginapi.PointInput, Sequence: 7,
	}
}

func TestQueued(t *testing.T) {
	t.Parallel()
	b := input("one").background().config(`{"k":1}`)
	b.hook.Retry = &pluginapi.Retry{MaxAttempts: 3}
	call, _ := queue(t, newDispatcher(t, &guests{}, b))
	want := host.HookCall{
		ID: call.ID, RunID: "r", SessionID: "s", Component: component, Plugin: "one", Version: "1.0.0", Digest: "sha256:one",
		Hook: "one", Point: pluginapi.PointInput, Sequence: 7, Mode: pluginapi.ModeBackground, Status: host.HookCallQueued,
		Warnings: []pluginapi.Warning{}, Logs: []host.LogLine{}, Attempt: 1, MaxAttempts: 3, NextAttemptAt: now,
		IdempotencyKey: call.IdempotencyKey, CreatedAt: now, Owner: "node", LeaseUntil: now.Add(time.Second), SnapshotID: "snap",
		Spec: &host.HookCallSpec{
			Export: "one", Config: []byte(`{"k":1}`), Timeout: pluginapi.Duration(hook.DefaultBackgroundTimeout),
			Retry: pluginapi.Retry{
				MaxAttempts: 3, Initial: pluginapi.Duration(hook.DefaultRetryInitial), Max: pluginapi.Duration(hook.DefaultRetryMax),
			},
		},
	}
	if diff := cmp.Diff(want, call); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	if call.ID == "" || len(call.IdempotencyKey) != 32 {
		t.Errorf("id %q, idempotency key %q", call.ID, call.IdempotencyKey)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t, &guests{}, input("one").background(), input("one").background(), input("two").background())
	hooks := d.Plan(component, "").At(pluginapi.PointInput)
	key := func(h *hook.Hook, at hook.Occasion) string {
		return d.Queued(h, at, "snap", host.Lease{}).IdempotencyKey
	}
	later, other := occasion(), occasion()
	later.Sequence, other.Run.ID = 8, "r2"
	keys := map[string]bool{}
	for _, k := range []string{
		key(&hooks[0], occasion()), key(&hooks[1], occasion()), key(&hooks[2], occasion()), key(&hooks[0], later), key(&hooks[0], other),
	} {
		keys[k] = true
	}
	if len(keys) != 5 {
		t.Errorf("%d different keys of 5 calls", len(keys))
	}
	if again := key(&hooks[0], occasion()); !keys[again] {
		t.Error("the key of a call changed")
	}
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		output  string
		outcome host.HookOutcome
		warned  string // the decision that was not enforced
	}{
		"allow":     {allow, host.OutcomeAllowed, ""},
		"empty":     {"", host.OutcomeAllowed, ""},
		"deny":      {`{"decision":"deny","reason":"no","warnings":[{"reason":"w"}]}`, host.OutcomeDenied, "deny"},
		"transform": {`{"decision":"transform","transform":{"path":"$target.content","value":"x"}}`, host.OutcomeTransformed, "transform"},
	} {
		g := &guests{exports: map[string]guest{"one": says(test.output)}}
		d := newDispatcher(t, g, input("one").background().config(`{"k":1}`))
		call, snapshot := queue(t, d)
		got := d.Deliver(t.Context(), call, snapshot, host.Services{})
		if got.Outcome != test.outcome || got.Error != nil || got.Status != host.HookCallQueued {
			t.Errorf("%s: %+v", name, got)
		}
		if got.StartedAt != now || got.FinishedAt != now {
			t.Errorf("%s: started %s, finished %s", name, got.StartedAt, got.FinishedAt)
		}
		last := pluginapi.Warning{}
		if n := len(got.Warnings); n > 0 {
			last = got.Warnings[n-1]
		}
		if test.warned == "" && last.Reason != "" ||
			test.warned != "" && (last.Reason != "verdict_not_enforced" || !strings.Contains(last.Message, test.warned)) {
			t.Errorf("%s: warnings %+v", name, got.Warnings)
		}
	}
}

func TestDeliveryFields(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{"one": says(allow)}}
	d := newDispatcher(t, g, input("one").background().config(`{"k":1}`))
	call, snapshot := queue(t, d)
	call.Attempt = 3
	d.Deliver(t.Context(), call, snapshot, host.Services{})
	ext := g.document(t, 0).Extensions.Snaphook
	want := &pluginapi.Delivery{
		HookCallID: call.ID, IdempotencyKey: call.IdempotencyKey, Attempt: 3, MaxAttempts: hook.DefaultMaxAttempts,
	}
	if diff := cmp.Diff(want, ext.Delivery); diff != "" {
		t.Errorf("delivery (-want +got):\n%s", diff)
	}
	if ext.Mode != pluginapi.ModeBackground || string(ext.Config) != `{"k":1}` {
		t.Errorf("mode %s, config %s", ext.Mode, ext.Config)
	}
	sent := g.calls[0]
	if sent.Mode != pluginapi.ModeBackground || sent.Timeout != hook.DefaultBackgroundTimeout || string(sent.Config) != `{"k":1}` {
		t.Errorf("call %+v", sent)
	}
	if string(g.document(t, 0).Target) != `{"content":"hello","role":"user"}` {
		t.Errorf("target %s", g.document(t, 0).Target)
	}
}

// A retried call shows its last attempt, not a pile of them, and its key stays.
func TestDeliverForgetsEarlierAttempts(t *testing.T) {
	t.Parallel()
	attempt := 0
	g := &guests{exports: map[string]guest{"one": func(context.Context, host.Call) (host.CallResult, error) {
		result := host.CallResult{Logs: []host.LogLine{{Message: "working"}}, Duration: time.Second}
		if attempt++; attempt == 1 {
			return result, &host.CallError{Code: host.CallTrap, Message: "trapped"}
		}
		result.Output = []byte(`{"decision":"allow","warnings":[{"reason":"w"}]}`)
		return result, nil
	}}}
	d := newDispatcher(t, g, input("one").background())
	first, snapshot := queue(t, d)
	second := d.Deliver(t.Context(), first, snapshot, host.Services{})
	if diff := cmp.Diff(&host.HookError{Code: "trap", Message: "trapped"}, second.Error); diff != "" || second.Outcome != "" {
		t.Errorf("outcome %q, error (-want +got):\n%s", second.Outcome, diff)
	}
	second.Attempt = 2
	third := d.Deliver(t.Context(), second, snapshot, host.Services{})
	third = d.Deliver(t.Context(), third, snapshot, host.Services{})
	if third.Error != nil || len(third.Logs) != 1 || len(third.Warnings) != 1 || third.DurationMS != 1000 {
		t.Errorf("record %+v", third)
	}
	if g.document(t, 0).Extensions.Snaphook.Delivery.IdempotencyKey != g.document(t, 1).Extensions.Snaphook.Delivery.IdempotencyKey {
		t.Error("the idempotency key changed between attempts")
	}
}

func TestDeliverWithoutAContext(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t, &guests{}, input("one").background())
	call, snapshot := queue(t, d)
	for name, data := range map[string]string{"none": "", "broken": "{", "no extension": `{"spec":"x"}`} {
		if got := d.Deliver(t.Context(), call, []byte(data), host.Services{}); got.Error == nil || got.Error.Code != "context_invalid" {
			t.Errorf("%s: %+v", name, got.Error)
		}
	}
	call.Spec = nil
	if got := d.Deliver(t.Context(), call, snapshot, host.Services{}); got.Error == nil {
		t.Error("a call without a spec did not fail")
	}
}

func TestSnapshotOfAnIncompleteContext(t *testing.T) {
	t.Parallel()
	c := contextAt(pluginapi.PointInput)
	c.Input = nil
	if _, err := hook.Snapshot(&c); err == nil {
		t.Error("no target: no error")
	}
	c = contextAt(pluginapi.PointInput)
	c.Extensions.Snaphook.Metadata = []byte("{")
	if _, err := hook.Snapshot(&c); err == nil {
		t.Error("broken metadata: no error")
	}
}
