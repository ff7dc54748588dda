package storetest

import (
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func bindingTests() []test {
	return []test{{"replaced", replacedBindings}}
}

func replacedBindings(t *testing.T, s host.Store) {
	if lists := get(s.Bindings(t.Context()))(t); len(lists) > 0 {
		t.Errorf("an empty store has bindings: %v", lists)
	}
	agent := host.BindingScope{Kind: host.KindAgent, ID: "agent"}
	team := host.BindingScope{Kind: host.KindTeam, ID: "agent"}
	a, b := host.Binding{Plugin: "a", Hook: "h"}, host.Binding{Plugin: "b", TopLevel: true}
	must(t, s.PutBindings(t.Context(), agent, []host.Binding{b, a}))
	must(t, s.PutBindings(t.Context(), team, []host.Binding{a}))
	must(t, s.PutBindings(t.Context(), host.HostWide, []host.Binding{b}))
	want := map[host.BindingScope][]host.Binding{agent: {b, a}, team: {a}, host.HostWide: {b}}
	wantEqual(t, want, get(s.Bindings(t.Context()))(t))

	must(t, s.PutBindings(t.Context(), agent, []host.Binding{a}))
	must(t, s.PutBindings(t.Context(), team, nil))
	lists := get(s.Bindings(t.Context()))(t)
	wantEqual(t, []host.Binding{a}, lists[agent])
	if len(lists[team]) > 0 {
		t.Errorf("an emptied scope has bindings: %v", lists[team])
	}
}
