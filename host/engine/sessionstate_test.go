package engine_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// merging is a guest that merges into the session's state and then answers.
func merging(patch, verdict string) guest {
	return func(c ctx, _ pluginapi.Context) (string, error) {
		return verdict, servicesOf(c).SessionState.Merge(c, json.RawMessage(patch))
	}
}

// seesState grants a hook the session's state.
func seesState(b boundHook) boundHook {
	b.permissions.SessionState = &pluginapi.SessionStatePermission{Access: pluginapi.AccessWrite, Reason: "test"}
	return b
}

// states are what hooks saw of the session's state, by plugin.
func (f *fixture) states(t *testing.T, runID string) map[string]string {
	t.Helper()
	calls, err := f.store.HookCalls(t.Context(), runID)
	if err != nil {
		t.Fatal(err)
	}
	seen, asked := map[string]string{}, 0
	for _, call := range calls {
		if call.Mode == pluginapi.ModeBlocking {
			seen[call.Plugin] = string(f.hooks.seen[asked].Extensions.Snaphook.SessionState)
			asked++
			continue
		}
		snapshot, err := f.store.Snapshot(t.Context(), call.SnapshotID)
		if err != nil {
			t.Fatal(err)
		}
		var c pluginapi.Context
		if err := json.Unmarshal(snapshot, &c); err != nil {
			t.Fatal(err)
		}
		seen[call.Plugin] = string(c.Extensions.Snaphook.SessionState)
	}
	return seen
}

func (f *fixture) wantState(t *testing.T, want string) {
	t.Helper()
	session, err := f.store.Session(t.Context(), "s")
	if err != nil || string(session.State) != want {
		t.Errorf("the session's state is %s, %v; want %s", session.State, err, want)
	}
}

// What one hook merges the next one sees, and the session keeps.
func TestHooksShareSessionState(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		seesState(blocking(pluginapi.PointAgentStartup, "a", merging(`{"a":1}`, allow))),
		seesState(blocking(pluginapi.PointInput, "b", merging(`{"b":1,"asked":null}`, allow))),
		seesState(blocking(pluginapi.PointPreModelCall, "c", says(allow))),
		blocking(pluginapi.PointPostModelCall, "d", says(allow)),
		seesState(blocking(pluginapi.PointOutput, "e", merging(`{"a":2}`, allow))),
	)
	req := asks("hello")
	req.SessionState = json.RawMessage(`{"asked":true}`)
	run := f.run(t, req)
	want := map[string]string{
		"a": `{"asked":true}`, "b": `{"a":1,"asked":true}`, "c": `{"a":1,"b":1}`, "d": ``, "e": `{"a":1,"b":1}`,
	}
	if diff := cmp.Diff(want, f.states(t, run.ID)); diff != "" {
		t.Errorf("the hooks saw (-want +got):\n%s", diff)
	}
	f.wantState(t, `{"a":2,"b":1}`)
	if stored := f.stored(t, run.ID); string(stored.SessionState) != `{"a":2,"b":1}` {
		t.Errorf("the run has %s", stored.SessionState)
	}
}

// A snapshot holds the state of its point, at the end of the run the last one,
// and only for hooks that may see it.
func TestSnapshotsHoldSessionState(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		seesState(blocking(pluginapi.PointInput, "in", merging(`{"n":1}`, allow))),
		seesState(background(pluginapi.PointInput, "at-input")),
		background(pluginapi.PointPreModelCall, "not-granted"),
		seesState(blocking(pluginapi.PointOutput, "out", merging(`{"n":2}`, allow))),
		seesState(background(pluginapi.PointOutput, "at-output")),
		seesState(blocking(pluginapi.PointAgentShutdown, "end", merging(`{"n":3}`, allow))),
	)
	run := f.run(t, asks("hello"))
	want := map[string]string{
		"in": `{}`, "at-input": `{"n":1}`, "not-granted": "", "out": `{"n":1}`, "at-output": `{"n":3}`, "end": `{"n":2}`,
	}
	if diff := cmp.Diff(want, f.states(t, run.ID)); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
}

// A run that was refused at its input leaves nothing in the session; one refused
// later does.
func TestSessionStateOfRefusedRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, seesState(blocking(pluginapi.PointInput, "in", func(c ctx, doc pluginapi.Context) (string, error) {
		verdict := allow
		if strings.HasPrefix(host.Text(doc.Input.Content), "bad") {
			verdict = deny
		}
		return verdict, servicesOf(c).SessionState.Merge(c, json.RawMessage(`{"seen":`+string(doc.Input.Content)+`}`))
	})), seesState(blocking(pluginapi.PointOutput, "out", merging(`{"out":1}`, deny))),
		seesState(blocking(pluginapi.PointAgentShutdown, "end", merging(`{"end":1}`, allow))))
	req := asks("bad")
	req.SessionState = json.RawMessage(`{"asked":1}`)
	if run := f.run(t, req); run.Status != host.RunError || len(run.SessionState) > 0 {
		t.Errorf("%s with the state %s", run.Status, run.SessionState)
	}
	f.wantState(t, ``)
	if f.store.contains(t, "asked") || f.store.contains(t, "seen") {
		t.Error("what was refused is in the database")
	}
	f.run(t, asks("good"))
	f.wantState(t, `{"end":1,"out":1,"seen":"good"}`)
}

func TestSessionStateRefusesPatches(t *testing.T) {
	t.Parallel()
	var errs []error
	var live []json.RawMessage
	try := func(c ctx, _ pluginapi.Context) (string, error) {
		state := servicesOf(c).SessionState
		for _, patch := range []string{
			`[]`, `{"a":`, `{"a":"\ud800"}`, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
			`{"a":"` + strings.Repeat("x", host.MaxSessionStateBytes) + `"}`,
		} {
			errs = append(errs, state.Merge(c, json.RawMessage(patch)))
		}
		now, err := state.Get(c)
		live = append(live, now)
		return allow, err
	}
	later := seesState(background(pluginapi.PointOutput, "later"))
	later.answer = try
	f := newFixture(t, seesState(blocking(pluginapi.PointInput, "now", try)), later)
	run := f.run(t, asks("hello"))
	done := f.work(t, run.ID, "later")
	if done.Error != nil {
		t.Errorf("the background call failed: %+v", done.Error)
	}
	var codes []host.Code
	for _, err := range errs {
		codes = append(codes, host.CodeOf(err))
	}
	refused := []host.Code{host.CodeInvalid, host.CodeInvalid, host.CodeInvalid, host.CodeInvalid, host.CodeTooLarge}
	if diff := cmp.Diff(append(refused, refused...), codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if string(live[0]) != `{}` || string(live[1]) != `{}` {
		t.Errorf("the state is %s, later %s", live[0], live[1])
	}
}

// work makes the attempt of the queued background call of a plugin.
func (f *fixture) work(t *testing.T, runID, plugin string) host.HookCall {
	t.Helper()
	calls, err := f.store.HookCalls(t.Context(), runID)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		if call.Plugin != plugin {
			continue
		}
		snapshot, err := f.store.Snapshot(t.Context(), call.SnapshotID)
		if err != nil {
			t.Fatal(err)
		}
		return f.WorkHook(t.Context(), call, snapshot)
	}
	t.Fatalf("no call of %s", plugin)
	return host.HookCall{}
}

// A background hook changes the stored session, also while the next run goes on,
// until its attempt is over.
func TestBackgroundHooksChangeSessionState(t *testing.T) {
	t.Parallel()
	later := seesState(background(pluginapi.PointOutput, "later"))
	later.answer = merging(`{"later":1}`, allow)
	f := newFixture(t, later)
	req := asks("first")
	req.SessionState = json.RawMessage(`{"n":1}`)
	first := f.run(t, req)

	f.store.finishing = func(host.Finish) error { // the second run has read the session
		f.store.finishing = nil
		if done := f.work(t, first.ID, "later"); done.Error != nil {
			return errors.New(done.Error.Message)
		}
		return nil
	}
	req.SessionState = json.RawMessage(`{"n":2}`)
	second := f.run(t, req)
	f.wantState(t, `{"later":1,"n":2}`)

	calls, err := f.store.HookCalls(t.Context(), second.ID)
	if err != nil {
		t.Fatal(err)
	}
	over := calls[0]
	over.Attempt = 2
	snapshot, err := f.store.Snapshot(t.Context(), over.SnapshotID)
	if err != nil {
		t.Fatal(err)
	}
	if done := f.WorkHook(t.Context(), over, snapshot); done.Error == nil {
		t.Error("an attempt that is over changed the session")
	}
}
