package storetest

import (
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func findTests() []test {
	return []test{
		{"by every field", findByField},
		{"pages, the last stored first", findPages},
		{"what has changed", findChanged},
	}
}

func findByField(t *testing.T, s host.Store) {
	odd := done(newCall("odd", "odd run"))
	odd.SessionID, odd.Plugin, odd.Hook, odd.Mode = "odd session", "odd plugin", "odd hook", pluginapi.ModeBlocking
	finish(t, s, newRun("run", "session"), newCall("first", "run"), newCall("second", "run"))
	finish(t, s, newRun("odd run", "odd session"), odd)
	for _, test := range []struct {
		filter host.HookCallFilter
		want   []string
	}{
		{host.HookCallFilter{}, []string{"odd", "second", "first"}},
		{host.HookCallFilter{Status: host.HookCallQueued}, []string{"second", "first"}},
		{host.HookCallFilter{Status: host.HookCallCompleted}, []string{"odd"}},
		{host.HookCallFilter{Status: host.HookCallDead}, nil},
		{host.HookCallFilter{Plugin: "odd plugin"}, []string{"odd"}},
		{host.HookCallFilter{Plugin: plugin}, []string{"second", "first"}},
		{host.HookCallFilter{Hook: "odd hook"}, []string{"odd"}},
		{host.HookCallFilter{Mode: pluginapi.ModeBlocking}, []string{"odd"}},
		{host.HookCallFilter{RunID: "run"}, []string{"second", "first"}},
		{host.HookCallFilter{SessionID: "odd session"}, []string{"odd"}},
		{host.HookCallFilter{SessionID: "odd session", Status: host.HookCallQueued}, nil},
		{host.HookCallFilter{Plugin: plugin, Status: host.HookCallQueued, Mode: pluginapi.ModeBackground}, []string{"second", "first"}},
		{host.HookCallFilter{
			Status: host.HookCallCompleted, Plugin: "odd plugin", Hook: "odd hook", Mode: pluginapi.ModeBlocking,
			RunID: "odd run", SessionID: "odd session",
		}, []string{"odd"}},
	} {
		page := get(s.FindHookCalls(t.Context(), test.filter, 0, 10))(t)
		if got := callIDs(page.Calls); fmt.Sprint(got) != fmt.Sprint(test.want) || page.Total != len(test.want) {
			t.Errorf("%+v finds %v of %d, want %v", test.filter, got, page.Total, test.want)
		}
	}
}

func findPages(t *testing.T, s host.Store) {
	for i := range 5 {
		id := fmt.Sprint(i)
		call := newCall(id, "run "+id)
		finish(t, s, newRun("run "+id, "session"), call)
		if i%2 == 1 { // the order is that of storing, whatever came of a call
			must(t, s.FinishHookCall(t.Context(), 1, done(call)))
		}
	}
	for _, test := range []struct {
		offset, limit int
		want          []string
	}{
		{0, 2, []string{"4", "3"}},
		{2, 2, []string{"2", "1"}},
		{4, 2, []string{"0"}},
		{6, 2, nil},
		{0, 0, nil},
	} {
		for _, filter := range []host.HookCallFilter{{}, {Plugin: plugin}, {SessionID: "session"}} {
			page := get(s.FindHookCalls(t.Context(), filter, test.offset, test.limit))(t)
			if got := callIDs(page.Calls); fmt.Sprint(got) != fmt.Sprint(test.want) || page.Total != 5 {
				t.Errorf("%d after %d are %v of %d, want %v", test.limit, test.offset, got, page.Total, test.want)
			}
		}
	}
	for _, wrong := range [][2]int{{-1, 1}, {1, -1}} {
		if _, err := s.FindHookCalls(t.Context(), host.HookCallFilter{}, wrong[0], wrong[1]); err == nil {
			t.Errorf("%v are taken", wrong)
		}
	}
}

func findChanged(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call)
	must(t, s.FinishHookCall(t.Context(), 1, done(call)))
	want := host.HookCallPage{Calls: []host.HookCall{done(call)}, Total: 1}
	wantEqual(t, want, get(s.FindHookCalls(t.Context(), host.HookCallFilter{Status: host.HookCallCompleted}, 0, 9))(t))
	wantEqual(t, 0, get(s.FindHookCalls(t.Context(), host.HookCallFilter{Status: host.HookCallQueued}, 0, 9))(t).Total)
}

func callIDs(calls []host.HookCall) []string {
	var ids []string
	for _, call := range calls {
		ids = append(ids, call.ID)
	}
	return ids
}
