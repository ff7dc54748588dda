package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// function is one tool of a plugin made for a test.
type function struct {
	name string
	// fields are more lines of the manifest, such as "idempotent: true"; parameters
	// are any by default.
	fields []string
	does   guesttest.Hook
}

// newToolPlugin makes a plugin that has tools alone. more stands in the manifest as it
// is.
func newToolPlugin(t testing.TB, name, more string, functions ...function) plugin {
	t.Helper()
	var manifest strings.Builder
	fmt.Fprintf(&manifest, "manifest_version: 1\nname: %s\nversion: 1.0.0\n%stools:\n", name, more)
	exports := map[string]guesttest.Hook{}
	for _, f := range functions {
		fmt.Fprintf(&manifest, "  - name: %s\n    description: Does %s.\n", f.name, f.name)
		fields := f.fields
		if !strings.Contains(strings.Join(fields, "\n"), "parameters:") {
			fields = append([]string{"parameters: {type: object, properties: {}}"}, fields...)
		}
		for _, field := range fields {
			fmt.Fprintf(&manifest, "    %s\n", field)
		}
		exports[f.name] = f.does
	}
	return plugin{name, "1.0.0", manifest.String(), guesttest.Module(t, exports)}
}

// takes are the parameters of a tool: texts of those names.
func takes(names ...string) string {
	properties := map[string]any{}
	for _, name := range names {
		properties[name] = map[string]any{"type": "string"}
	}
	schema, err := json.Marshal(map[string]any{"type": "object", "properties": properties, "required": names})
	if err != nil { // texts always marshal
		panic(err)
	}
	return "parameters: " + string(schema)
}

// newWorkshop is where tools have their work done: it answers "did " and the values
// of their arguments, to /note "task of ".
func newWorkshop(t testing.TB) *receiver {
	t.Helper()
	r := newReceiver(t, nil)
	r.says = func(arrived request) string {
		var in pluginapi.ToolInput
		var args map[string]content
		if err := json.Unmarshal(arrived.body, &in); err != nil {
			return "no input of a tool"
		}
		if err := json.Unmarshal(in.Arguments, &args); err != nil {
			return "no arguments"
		}
		did := "did "
		if arrived.path == "/note" {
			did = "task of "
		}
		return did + string(args["text"]+args["previous"])
	}
	return r
}
