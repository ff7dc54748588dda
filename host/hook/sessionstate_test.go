package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// withState binds hooks of which those named "granted…" may see the session's
// state, those named "asking…" only ask for it.
type withState struct{ bindings }

func (w withState) Resolve(c host.Component, parentID host.Origin) []host.BoundPlugin {
	bound := w.bindings.Resolve(c, parentID)
	for _, b := range bound {
		if strings.HasPrefix(b.Plugin.Name, "other") {
			continue
		}
		b.Plugin.Manifest.Permissions.SessionState = &pluginapi.SessionStatePermission{Access: pluginapi.AccessWrite, Reason: "x"}
		if strings.HasPrefix(b.Plugin.Name, "granted") {
			b.Plugin.Grants = []pluginapi.Permission{pluginapi.PermissionSessionState}
		}
	}
	return bound
}

// sessionState is a host.SessionState in memory.
type sessionState struct {
	state json.RawMessage
	err   error
}

func (s *sessionState) Get(context.Context) (json.RawMessage, error) { return s.state, s.err }

func (s *sessionState) Merge(_ context.Context, patch json.RawMessage) (err error) {
	s.state, err = host.MergeState(s.state, patch)
	return err
}

// merges is a guest that merges into the session's state.
func merges(patch string) guest {
	return func(ctx context.Context, call host.Call) (host.CallResult, error) {
		err := call.Services.SessionState.Merge(ctx, json.RawMessage(patch))
		return host.CallResult{Output: []byte(allow)}, err
	}
}

func newStateDispatcher(t *testing.T, g *guests, hooks ...bound) *hook.Dispatcher {
	t.Helper()
	d, err := hook.NewDispatcher(hook.Config{Caller: g, Bindings: withState{hooks}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A hook sees the session's state with the permission only, and as the hooks
// before it left it.
func TestSessionStateInContext(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{
		"granted1": merges(`{"b":2}`), "granted2": says(allow), "asking": says(allow), "other": says(allow),
	}}
	d := newStateDispatcher(t, g, input("granted1"), input("granted2"), input("asking"), input("other"))
	e := emission(d, inputOf(`"hello"`))
	e.Context.Extensions.Snaphook.SessionState = json.RawMessage(`{"stale":1}`)
	e.Services.SessionState = &sessionState{state: json.RawMessage(`{"a":1}`)}
	if result, err := d.Emit(t.Context(), e); err != nil || result.Denied() {
		t.Fatalf("denied: %+v, %v", result.Verdict, err)
	}
	var got []string
	for i := range g.calls {
		got = append(got, g.calls[i].Export+" "+string(g.document(t, i).Extensions.Snaphook.SessionState))
	}
	want := []string{`granted1 {"a":1}`, `granted2 {"a":1,"b":2}`, "asking ", "other "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestSessionStateThatCannotBeRead(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{"granted": says(allow)}}
	d := newStateDispatcher(t, g, input("granted"))
	e := emission(d, inputOf(`"hello"`))
	e.Services.SessionState = &sessionState{err: errors.New("lost")}
	result, err := d.Emit(t.Context(), e)
	if err != nil || result.Verdict.Reason != hook.ReasonContextInvalid || len(g.calls) != 0 {
		t.Errorf("%+v, %v after %d calls", result.Verdict, err, len(g.calls))
	}
}

// A background hook sees the state of the snapshot and reaches that of now.
func TestSessionStateInDelivery(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"granted": `{"a":1}`, "other": ""} {
		g := &guests{exports: map[string]guest{name: merges(`{"b":2}`)}}
		d := newStateDispatcher(t, g, input(name).background())
		e := emission(d, inputOf(`"hello"`))
		result, err := d.Emit(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		result.Context.Extensions.Snaphook.SessionState = json.RawMessage(`{"a":1}`)
		snapshot, err := hook.Snapshot(&result.Context)
		if err != nil {
			t.Fatal(err)
		}
		call := d.Queued(result.Background[0], hook.Occasion{Run: e.Run, Point: pluginapi.PointInput}, "s", host.Lease{})
		now := &sessionState{state: json.RawMessage(`{"now":1}`)}
		done := d.Deliver(t.Context(), call, snapshot, host.Services{SessionState: now})
		if done.Error != nil || string(now.state) != `{"b":2,"now":1}` {
			t.Errorf("%s: %+v, the state is %s", name, done.Error, now.state)
		}
		if got := string(g.document(t, 0).Extensions.Snaphook.SessionState); got != want {
			t.Errorf("%s saw %s, want %s", name, got, want)
		}
	}
}

func TestValidPart(t *testing.T) {
	t.Parallel()
	deepest := strings.Repeat("[", hook.MaxPartDepth) + strings.Repeat("]", hook.MaxPartDepth)
	for data, ok := range map[string]bool{
		`{"a":"\ud83d\ude00"}`: true, deepest: true, `null`: true,
		``: false, `{"a":}`: false, `{"a":"\ud83d"}`: false, "\"\xff\"": false, `[` + deepest + `]`: false,
	} {
		if got := hook.ValidPart(json.RawMessage(data)); got != ok {
			t.Errorf("ValidPart of %.40q is %t", data, got)
		}
	}
}
