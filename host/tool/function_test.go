package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/host/tool"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// newRegistry returns a registry over a real store and a real runtime.
func newRegistry(t *testing.T) *plugin.Registry {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "host.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	rt, err := runtime.New(runtime.Config{CacheDir: guesttest.CacheDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close(context.Background()) })
	r, err := plugin.NewRegistry(plugin.Config{Store: store, Loader: plugin.NewLoader(rt), Trials: hook.Trials{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.Background()) })
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// activate installs and activates a plugin.
func activate(t *testing.T, r *plugin.Registry, manifest string, module []byte, grants ...pluginapi.Permission) {
	t.Helper()
	installed, err := r.Install(t.Context(), []byte(manifest), module)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Activate(t.Context(), installed.Plugin.Name, installed.Plugin.Version, grants, false); err != nil {
		t.Fatal(err)
	}
}

const anyArguments = `description: Does it., parameters: {type: object}`

const toolbox = `manifest_version: 1
name: toolbox
version: 1.0.0
tools:
  - {name: echo, description: Says it again., idempotent: true, timeout: 30s, parameters: {type: object, properties: {a: {type: number}}}}
  - {name: text, ` + anyArguments + `}
  - {name: bytes, ` + anyArguments + `}
  - {name: quotes, ` + anyArguments + `}
  - {name: nothing, ` + anyArguments + `}
  - {name: fail, ` + anyArguments + `}
  - {name: trap, ` + anyArguments + `}
  - {name: loop, ` + anyArguments + `}
  - {name: unit, ` + anyArguments + `}
  - {name: kept, ` + anyArguments + `}
permissions: {kv: {reason: counts}}
config_schema: {type: object, additionalProperties: false, properties: {unit: {type: string}}}
limits: {output: 1MiB}
`

func newToolbox(t *testing.T, r *plugin.Registry) *tool.Box {
	t.Helper()
	activate(t, r, toolbox, guesttest.Module(t, map[string]guesttest.Hook{
		"echo": guesttest.Echoes(), "text": guesttest.Answers("it is\nfine"), "bytes": guesttest.Answers("\xff\xfe"),
		"quotes": guesttest.Answers(strings.Repeat(`"`, 600_000)), "nothing": guesttest.Answers(""),
		"fail": guesttest.Fails("division by zero"), "trap": guesttest.Traps(), "loop": guesttest.Loops(),
		"unit": guesttest.AnswersConfig("unit"), "kept": guesttest.Asks("kv_get", "n"),
	}), pluginapi.PermissionKV)
	return newBox(t, tool.Config{Plugins: r, Caller: r})
}

func TestFunction(t *testing.T) {
	t.Parallel()
	tools := open(t, newToolbox(t, newRegistry(t)), host.ToolRef{Plugin: "toolbox", Config: json.RawMessage(`{"unit":"m"}`)})
	wantResult(t, find(t, tools, "text"), `{}`, `"it is\nfine"`, false)
	wantResult(t, find(t, tools, "nothing"), `{}`, `""`, false)
	wantResult(t, find(t, tools, "unit"), `{}`, `"m"`, false)
	wantResult(t, find(t, tools, "kept"), `{}`, `""`, false)
	wantResult(t, find(t, tools, "bytes"), `{}`, `"the tool answered with bytes that are not UTF-8 text"`, true)
	wantResult(t, find(t, tools, "quotes"), `{}`, `"the tool's result has more than 1048576 bytes"`, true)
	wantResult(t, find(t, tools, "fail"), `{}`, `"division by zero"`, true)

	got, err := invoke(t, find(t, tools, "echo"), `{"a":1.50}`)
	if err != nil {
		t.Fatal(err)
	}
	var input pluginapi.ToolInput
	if err := json.Unmarshal(got.Value, &input); err != nil {
		t.Fatal(err)
	}
	component := pluginapi.Component{Kind: "agent", ID: "helper", Name: "Helper"}
	want := pluginapi.ToolInput{
		Tool: "echo", CallID: "call-1", Arguments: json.RawMessage(`{"a":1.50}`), SessionID: "session-1", UserID: "ada", Component: component,
		Run:    pluginapi.Run{ID: "run-1", RootID: "run-1", Kind: "agent", Status: "RUNNING"},
		Config: json.RawMessage(`{"unit":"m"}`),
	}
	if diff := cmp.Diff(want, input); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	if d := tools[0].Definition(); !d.Idempotent || d.Timeout != plenty/2 || d.Wait < plenty || d.Description != "Says it again." {
		t.Errorf("definition: %+v", d)
	}
	if d := tools[1].Definition(); d.Idempotent || d.Timeout != plenty/6 {
		t.Errorf("definition of a tool that says little: %+v", d)
	}
}

func TestFunctionThatBreaks(t *testing.T) {
	t.Parallel()
	r, logs := newRegistry(t), newLogs()
	newToolbox(t, r)
	b := newBox(t, tool.Config{Plugins: r, Caller: r, Log: newLogger(logs)})
	tools := open(t, b, host.ToolRef{Plugin: "toolbox", Timeout: soon})
	for name, want := range map[string]host.CallErrorCode{"trap": host.CallTrap, "loop": host.CallTimeout} {
		_, err := invoke(t, find(t, tools, name), `{}`)
		var failed *host.CallError
		if !errors.As(err, &failed) || failed.Code != want {
			t.Errorf("%s: %v", name, err)
		}
		if name == "trap" && failed.Message != "the function trapped" {
			t.Errorf("a model is told of a trap: %q", failed.Message)
		}
	}
	if !strings.Contains(logs.String(), "unreachable") {
		t.Errorf("why the function trapped is not in the log:\n%s", logs)
	}
	gone := errors.New("the run was cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, err := find(t, tools, "text").Call(ctx, host.ToolInvocation{Run: &host.Run{}}); !errors.Is(err, gone) {
		t.Errorf("a call whose run ends: %v", err)
	}
}

// What the exit code of a program denies at a hook is an error of a tool.
func TestFunctionOfACommand(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	activate(t, r, `{"manifest_version":1,"name":"command","version":"1.0.0","abi":"wasi-command","tools":[
		{"name":"work","description":"Works.","parameters":{"type":"object"}}]}`, guesttest.GoCommand(t, map[string]string{"main.go": `package main

import ("fmt"; "io"; "os"; "strings")

func main() {
	input, _ := io.ReadAll(os.Stdin)
	if strings.Contains(string(input), "\"arguments\":{\"deny\":true}") {
		fmt.Fprintln(os.Stderr, "not today")
		os.Exit(2)
	}
	fmt.Print("[1,2]")
}
`}))
	work := open(t, newBox(t, tool.Config{Plugins: r, Caller: r}), host.ToolRef{Plugin: "command"})[0]
	wantResult(t, work, `{}`, `[1,2]`, false)
	wantResult(t, work, `{"deny":true}`, `"not today"`, true)
}

func TestPluginsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	b := newToolbox(t, r)
	echoes := guesttest.Module(t, map[string]guesttest.Hook{
		"echo": guesttest.Echoes(), "text": guesttest.Echoes(), "bytes": guesttest.Echoes(), "quotes": guesttest.Echoes(), "nothing": guesttest.Echoes(),
		"fail": guesttest.Echoes(), "trap": guesttest.Echoes(), "loop": guesttest.Echoes(), "unit": guesttest.Echoes(), "kept": guesttest.Echoes(),
	})
	inactive := strings.Replace(toolbox, "name: toolbox", "name: asleep", 1)
	if _, err := r.Install(t.Context(), []byte(inactive), echoes); err != nil {
		t.Fatal(err)
	}
	leader := strings.NewReplacer("name: toolbox", "name: leader", "name: echo", "export: echo, name: "+host.DelegateToMember).Replace(toolbox)
	activate(t, r, leader, echoes, pluginapi.PermissionKV)
	for want, test := range map[string]struct {
		code host.Code
		refs []host.ToolRef
	}{
		`leaders of teams give tasks with it`:              {host.CodeConflict, []host.ToolRef{{Plugin: "leader"}}},
		`no plugin "none" is installed`:                    {host.CodeUnavailable, []host.ToolRef{{Plugin: "none"}}},
		`the plugin "asleep" has no active`:                {host.CodeUnavailable, []host.ToolRef{{Plugin: "asleep"}}},
		`the plugin "toolbox" has no tool "x"; it has`:     {host.CodeConflict, []host.ToolRef{{Plugin: "toolbox", Only: []string{"x"}}}},
		`config.unit: got number, want string`:             {host.CodeConflict, []host.ToolRef{{Plugin: "toolbox", Config: json.RawMessage(`{"unit":1}`)}}},
		`config: must be an object`:                        {host.CodeConflict, []host.ToolRef{{Plugin: "toolbox", Config: json.RawMessage(`1`)}}},
		`by the plugin "toolbox" and by the plugin "toolb`: {host.CodeConflict, []host.ToolRef{{Plugin: "toolbox"}, {Plugin: "toolbox"}}},
	} {
		for range 2 { // the second time from memory
			if _, err := b.Tools(t.Context(), test.refs); host.CodeOf(err) != test.code || !strings.Contains(err.Error(), want) {
				t.Errorf("want %q, got %v", want, err)
			}
		}
	}
}
