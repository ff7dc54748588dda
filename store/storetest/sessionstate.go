package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func sessionStateTests() []test {
	return []test{
		{"merged", mergedState},
		{"fenced", fencedState},
		{"merged at once", mergedAtOnce},
		{"rebased", rebasedState},
	}
}

// callInSession ends a run that leaves a session with that state and a queued
// call, and returns the merge the call would make.
func callInSession(t *testing.T, s host.Store, state string) host.StateMerge {
	t.Helper()
	run := newRun("run", "session")
	create(t, s, run)
	session := host.Session{
		ID: "session", Component: run.Component, State: json.RawMessage(state),
		Metadata: json.RawMessage(`{"m":1}`), CreatedAt: at(1), UpdatedAt: at(2),
	}
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run: finished(run, host.RunCompleted), Session: &session, Calls: []host.HookCall{newCall("call", "run")},
	}))
	return host.StateMerge{SessionID: "session", HookCallID: "call", Fence: 1}
}

func wantState(t *testing.T, s host.Store, want string) {
	t.Helper()
	session := get(s.Session(t.Context(), "session"))(t)
	if string(session.State) != want {
		t.Errorf("the session's state is %s, want %s", session.State, want)
	}
}

func mergedState(t *testing.T, s host.Store) {
	merge := callInSession(t, s, `{"a":1,"b":2}`)
	before := get(s.Session(t.Context(), "session"))(t)
	merge.Patch = json.RawMessage(`{"b":null,"c":"<&>"}`)
	must(t, s.MergeSessionState(t.Context(), merge))
	wantState(t, s, `{"a":1,"c":"<&>"}`)
	after := get(s.Session(t.Context(), "session"))(t)
	if !after.UpdatedAt.After(before.UpdatedAt) {
		t.Errorf("updated at %s, before it was %s", after.UpdatedAt, before.UpdatedAt)
	}
	merge.Patch = json.RawMessage(`[]`)
	wantCode(t, s.MergeSessionState(t.Context(), merge), host.CodeInvalid)
	wantState(t, s, `{"a":1,"c":"<&>"}`)
}

func fencedState(t *testing.T, s host.Store) {
	merge := callInSession(t, s, ``)
	merge.Patch = json.RawMessage(`{"a":1}`)
	for _, wrong := range []host.StateMerge{
		{SessionID: "session", HookCallID: "call", Fence: 2, Patch: merge.Patch},
		{SessionID: "session", HookCallID: "call", Fence: 0, Patch: merge.Patch},
	} {
		wantStale(t, s.MergeSessionState(t.Context(), wrong))
	}
	merge.SessionID = "none"
	wantCode(t, s.MergeSessionState(t.Context(), merge), host.CodeNotFound)
	merge.SessionID, merge.HookCallID = "session", "none"
	wantCode(t, s.MergeSessionState(t.Context(), merge), host.CodeNotFound)
	wantState(t, s, ``)

	merge.HookCallID = "call"
	must(t, s.MergeSessionState(t.Context(), merge))
	call := newCall("call", "run")
	call.Status = host.HookCallCompleted
	must(t, s.FinishHookCall(t.Context(), 1, call))
	merge.Patch = json.RawMessage(`{"a":2}`)
	wantStale(t, s.MergeSessionState(t.Context(), merge))
	wantState(t, s, `{"a":1}`)
}

func mergedAtOnce(t *testing.T, s host.Store) {
	merge := callInSession(t, s, ``)
	inParallel(t.Context(), t, 8, func(ctx context.Context, i int) error {
		mine := merge
		mine.Patch = json.RawMessage(fmt.Sprintf(`{"%d":%d}`, i, i))
		return s.MergeSessionState(ctx, mine)
	})
	wantState(t, s, `{"0":0,"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7}`)
}

// A run that ends keeps what a background hook merged while it went on.
func rebasedState(t *testing.T, s host.Store) {
	merge := callInSession(t, s, `{"mine":1,"gone":1}`)
	merge.Patch = json.RawMessage(`{"theirs":1}`)
	must(t, s.MergeSessionState(t.Context(), merge))
	next := newRun("next", "session")
	create(t, s, next)
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run: finished(next, host.RunCompleted), StateBefore: json.RawMessage(`{"mine":1,"gone":1}`),
		Session: &host.Session{ID: "session", State: json.RawMessage(`{"mine":2}`), UpdatedAt: at(3)},
	}))
	wantState(t, s, `{"mine":2,"theirs":1}`)
	session := get(s.Session(t.Context(), "session"))(t)
	if string(session.Metadata) != `{"m":1}` || session.UpdatedAt.Before(at(3)) {
		t.Errorf("metadata %s, updated at %s", session.Metadata, session.UpdatedAt)
	}
}
