package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestResponseDoesNotWait: the response is there while a background hook still
// runs; what the hook came to is seen later.
func TestResponseDoesNotWait(t *testing.T) {
	t.Parallel()
	service := newReceiver(t, nil)
	p := newSite(t, config{}).start(t)
	p.install(t, firstParty(t, "request-log"))
	p.installWith(t, firstParty(t, "notifier"), "http")
	p.bind(t, "agent",
		binding{"plugin": "request-log", "mode": "background"},
		binding{"plugin": "notifier", "config": map[string]any{"url": service.url()}})
	release := service.block(t)

	done := p.run(t, "agent", form{"message": "hello", "session_id": "s"}).must(t, "hello")
	service.await(t, 1)
	if call := find(t, p.hooks(t, done.RunID), "notifier.notify"); call.final() {
		t.Errorf("the notifier is %s while its request waits", call.Status)
	}
	eventually(t, "the other hooks are done", func() bool {
		calls := p.hooks(t, done.RunID)
		return find(t, calls, "request-log.request").final() && find(t, calls, "request-log.response").final()
	})
	release()
	calls := p.settled(t, done.RunID)
	want := []string{
		"request-log.request background completed allowed",
		"request-log.response background completed allowed",
		"notifier.notify background completed allowed",
	}
	if diff := cmp.Diff(want, summaries(calls)); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
	call := find(t, calls, "notifier.notify")
	if !call.logged("Notification sent!") {
		t.Errorf("the notifier logged %v", call.Logs)
	}
	got := service.requests()
	if len(got) != 1 || got[0].header.Get("Idempotency-Key") != call.IdempotencyKey || call.IdempotencyKey == "" {
		t.Errorf("the service got %d requests, the first with %v; the key of the call is %q", len(got), got[0].header, call.IdempotencyKey)
	}
	if !strings.Contains(string(got[0].body), done.RunID) {
		t.Errorf("the notification is %s, want the run %s in it", got[0].body, done.RunID)
	}
}

// TestBackgroundVerdictsChangeNothing: a deny or a transform of a background
// hook is recorded and warned of; the run is as if it had allowed.
func TestBackgroundVerdictsChangeNothing(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	p.install(t, newPlugin(t, "opinions", "",
		hook{name: "deny_input", point: "input", does: guesttest.Answers(deny)},
		hook{name: "write_input", point: "input", does: guesttest.Answers(rewrite("other"))},
		hook{name: "deny_output", point: "output", does: guesttest.Answers(deny)},
		hook{name: "write_output", point: "output", does: guesttest.Answers(rewrite("other"))}))
	p.bind(t, "agent", binding{"plugin": "opinions", "mode": "background"})

	done := p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
	calls := p.settled(t, done.RunID)
	want := []string{
		"opinions.deny_input background completed denied not_today",
		"opinions.write_input background completed transformed",
		"opinions.deny_output background completed denied not_today",
		"opinions.write_output background completed transformed",
	}
	if diff := cmp.Diff(want, summaries(calls)); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
	for _, call := range calls {
		if !call.warned("verdict_not_enforced") {
			t.Errorf("%s left the warnings %v", call.name(), call.Warnings)
		}
	}
	after := p.read(t, done).must(t, "hello")
	if after.Input.Content != "hello" {
		t.Errorf("the input is %q afterwards", after.Input.Content)
	}
}

// TestFailedHookLeavesItsNeighbours: background hooks that trap, loop or answer
// nonsense are tried again and die; the others and the run do not notice.
func TestFailedHookLeavesItsNeighbours(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		does guesttest.Hook
		code string // of the error; "" for a hook that works
	}{
		{"first", guesttest.Answers(allow), ""},
		{"traps", guesttest.Traps(), "trap"},
		{"loops", guesttest.Loops(), "timeout"},
		{"garbles", guesttest.Answers("not JSON"), "verdict_invalid"},
		{"invents", guesttest.Answers(`{"decision":"maybe"}`), "verdict_invalid"},
		{"fails", guesttest.Fails("out of luck"), "failed"},
		{"exits", guesttest.Exits(3), "exit"},
		{"last", guesttest.Logs("info", "still here"), ""},
	}
	p := newSite(t, config{}).start(t)
	var bindings []binding
	for _, tt := range tests {
		p.install(t, newPlugin(t, tt.name, "", hook{name: "hook", point: "output", does: tt.does, fields: []string{
			"mode: background", "timeout: 1s", "retry: {max_attempts: 3, initial: 10ms, max: 20ms}",
		}}))
		bindings = append(bindings, binding{"plugin": tt.name})
	}
	p.bind(t, "agent", bindings...)

	done := p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
	calls := p.settled(t, done.RunID)
	for _, tt := range tests {
		call := find(t, calls, tt.name+".hook")
		switch {
		case tt.code == "" && (call.Status != "completed" || call.Attempt != 1):
			t.Errorf("%s after %d attempts, want it completed by the first", call.summary(), call.Attempt)
		case tt.code != "" && (call.Status != "dead" || call.Attempt != 3 || call.Error == nil || call.Error.Code != tt.code):
			t.Errorf("%s after %d attempts with %+v, want dead after 3 with %s", call.summary(), call.Attempt, call.Error, tt.code)
		}
	}
	p.read(t, done).must(t, "hello")
}

// TestRetriesAreOneDelivery: every attempt says which it is, and all have one
// idempotency key.
func TestRetriesAreOneDelivery(t *testing.T) {
	t.Parallel()
	service := newReceiver(t, func(n int, _ request) int {
		if n < 2 {
			return 503
		}
		return 204
	})
	p := newSite(t, config{}).start(t)
	p.installWith(t, newPlugin(t, "courier", permitHTTP(service.url()), hook{
		name: "deliver", point: "output", does: guesttest.Posts(service.url()),
		fields: []string{"mode: background", "retry: {max_attempts: 5, initial: 10ms, max: 20ms}"},
	}), "http")
	p.bind(t, "agent", binding{"plugin": "courier", "config": map[string]any{"who": "me"}})

	done := p.run(t, "agent", form{"message": "hello", "session_id": "s", "user_id": "u", "colour": "red"}).must(t, "hello")
	call := p.settled(t, done.RunID)[0]
	if call.Status != "completed" || call.Attempt != 3 {
		t.Errorf("%s after %d attempts, want it completed by the third", call.summary(), call.Attempt)
	}
	got := service.requests()
	if len(got) != 3 {
		t.Fatalf("%d deliveries, want 3", len(got))
	}
	for i, req := range got {
		c := readContext(t, req.body)
		want := pluginapi.Delivery{HookCallID: call.ID, IdempotencyKey: call.IdempotencyKey, Attempt: i + 1, MaxAttempts: 5}
		if diff := cmp.Diff(&want, c.Extensions.Snaphook.Delivery); diff != "" {
			t.Errorf("attempt %d (-want +got):\n%s", i+1, diff)
		}
	}
	checkDelivered(t, done, readContext(t, got[0].body))
}

// checkDelivered checks what a background hook at output is told of the run.
func checkDelivered(t *testing.T, r run, c pluginapi.Context) {
	t.Helper()
	ext := c.Extensions.Snaphook
	got := map[string]string{
		"run": ext.Run.ID, "status": ext.Run.Status, "session": ext.SessionID, "user": ext.UserID,
		"agent": c.Agent.ID, "point": string(c.Point), "mode": string(ext.Mode),
		"output": string(c.Output.Content), "input": string(ext.Input.Content),
		"config": string(ext.Config), "arguments": string(ext.Arguments),
	}
	want := map[string]string{
		"run": r.RunID, "status": "COMPLETED", "session": "s", "user": "u",
		"agent": "agent", "point": "output", "mode": "background",
		"output": `"hello"`, "input": `"hello"`,
		"config": `{"who":"me"}`, "arguments": `{"colour":"red"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
	if ext.Run.Metrics == nil {
		t.Error("the context has no metrics")
	}
}

// readContext reads the context a hook has posted.
func readContext(t testing.TB, body []byte) pluginapi.Context {
	t.Helper()
	var c pluginapi.Context
	if err := json.Unmarshal(body, &c); err != nil || c.Extensions.Snaphook == nil {
		t.Fatalf("not a context: %v: %s", err, body)
	}
	return c
}

// permitHTTP is the part of a manifest that asks for hosts.
func permitHTTP(hosts ...string) string {
	list, err := json.Marshal(hosts)
	if err != nil { // strings always marshal
		panic(err)
	}
	return "permissions: {http: {hosts: " + string(list) + ", reason: talks to a service of the test}}\n"
}
