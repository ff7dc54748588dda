package plugin_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
)

// withTools is a manifest of the plugin a with those tools, and one hook.
func withTools(version string, tools ...string) []byte {
	m := manifestOf("a", version, "")
	for i, name := range tools {
		if i == 0 {
			m = append(m, "tools:\n"...)
		}
		m = fmt.Appendf(m, "  - {name: %s, description: Does., export: run, parameters: {type: object}}\n", name)
	}
	return m
}

// usedTools is a registry whose plugin a, active in 1.0.0 with the tools add and
// double, is used by an agent and a step, and bound.
func usedTools(t *testing.T) *plugin.Registry {
	t.Helper()
	r := newRegistry(t, plugin.Config{
		Loader:         &guests{call: answersName},
		ConfigBindings: map[host.BindingScope][]host.Binding{host.HostWide: {{Plugin: "a"}}},
		ToolUses: []plugin.ToolUse{
			{Plugin: "a", By: "agent calc"},
			{Plugin: "b", By: "agent other"},
			{Plugin: "a", By: "step sum of workflow w", Tools: []string{"add", "double"}},
		},
	})
	activate(t, r, withTools("1.0.0", "add", "double"), fakeModule)
	return r
}

var toolUsers = []string{
	"hooks[0]: bound in the configuration", "agent calc uses its tools",
	"step sum of workflow w calls its function add", "step sum of workflow w calls its function double",
}

func TestRemoveUsedTools(t *testing.T) {
	t.Parallel()
	r := usedTools(t)
	_, err := r.Deactivate(t.Context(), "a", "1.0.0", false)
	if diff := cmp.Diff(toolUsers, refused(t, err, host.CodeConflict, "")); diff != "" {
		t.Errorf("deactivate (-want +got):\n%s", diff)
	}
	for range 2 { // active, and then inactive
		err = r.Delete(t.Context(), "a", "1.0.0", false)
		if diff := cmp.Diff(toolUsers, refused(t, err, host.CodeConflict, "")); diff != "" {
			t.Errorf("delete (-want +got):\n%s", diff)
		}
		if _, err := r.Deactivate(t.Context(), "a", "1.0.0", true); err != nil {
			t.Errorf("deactivate by force: %v", err)
		}
	}
	if err := r.Delete(t.Context(), "a", "1.0.0", true); err != nil {
		t.Errorf("delete by force: %v", err)
	}
}

// A version without a tool that is used takes no place of one that has it.
func TestActivateWithoutAUsedTool(t *testing.T) {
	t.Parallel()
	r := usedTools(t)
	for version, of := range map[string]struct{ tools, want []string }{
		"2.0.0": {[]string{"double"}, []string{"step sum of workflow w calls its function add"}},
		"3.0.0": {nil, toolUsers[1:]},
		"4.0.0": {[]string{"double", "more", "add"}, nil},
	} {
		install(t, r, withTools(version, of.tools...), fakeModule)
		if of.want == nil {
			continue
		}
		_, err := r.Activate(t.Context(), "a", version, nil, false)
		if diff := cmp.Diff(of.want, refused(t, err, host.CodeConflict, "")); diff != "" {
			t.Errorf("activate %s (-want +got):\n%s", version, diff)
		}
	}
	if _, err := r.Activate(t.Context(), "a", "4.0.0", nil, false); err != nil {
		t.Errorf("one that has them: %v", err)
	}
	if _, err := r.Activate(t.Context(), "a", "2.0.0", nil, true); err != nil {
		t.Errorf("by force: %v", err)
	}
}
