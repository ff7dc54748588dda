package runtime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// A program that is called as a tool does not deny: it fails, and says why.
func TestCommandAsTool(t *testing.T) {
	t.Parallel()
	module := guesttest.GoCommand(t, map[string]string{"main.go": program})
	m := load(t, runtime.Source{Wasm: module, ABI: commandABI})
	for input, want := range map[string]string{
		"deny": "no social\\x1b security numbers\nplease", "fail": "cannot", "silent": "the program ended with code 3",
	} {
		_, err := m.Call(t.Context(), runtime.Call{Export: pluginapi.ExportStart, Input: []byte(input), Tool: true, Timeout: plenty})
		if call := wantCode(t, err, host.CallFailed); call.Message != want {
			t.Errorf("%s: %q, want %q", input, call.Message, want)
		}
	}
	result, err := m.Call(t.Context(), runtime.Call{Export: pluginapi.ExportStart, Input: []byte("hello"), Tool: true, Timeout: plenty})
	if err != nil || string(result.Output) != "HELLO" {
		t.Errorf("output %q, %v", result.Output, err)
	}
}

// program does what its input says.
const program = `package main

import (
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	input, _ := io.ReadAll(os.Stdin)
	switch text := string(input); text {
	case "deny":
		os.Stderr.WriteString("no social\x1b security numbers\nplease\n")
		os.Exit(2)
	case "fail":
		os.Stderr.WriteString("cannot\n")
		os.Exit(7)
	case "silent":
		os.Exit(3)
	case "sleep":
		time.Sleep(time.Hour)
	case "flood":
		os.Stdout.WriteString(strings.Repeat("x", 2000))
	case "exit":
		os.Stdout.WriteString("{}")
		os.Exit(0)
	default:
		os.Stderr.WriteString("seen\n")
		os.Stdout.WriteString(strings.ToUpper(text))
	}
}
`

func TestCommand(t *testing.T) {
	t.Parallel()
	module := guesttest.GoCommand(t, map[string]string{"main.go": program})
	m := load(t, runtime.Source{Wasm: module, ABI: commandABI, Output: 1000})
	tests := []struct {
		input  string
		code   host.CallErrorCode
		output string
		log    string
	}{
		{"hello", "", "HELLO", "seen"},
		{"", "", "", "seen"},
		{"exit", "", "{}", ""},
		{"deny", "", `{"decision":"deny","message":"no social\\x1b security numbers\nplease"}`, "no social\\x1b security numbers\nplease"},
		{"fail", host.CallExit, "", "cannot"},
		{"flood", host.CallOutputTooLarge, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.input, func(t *testing.T) {
			t.Parallel()
			result, err := m.Call(t.Context(), runtime.Call{Export: pluginapi.ExportStart, Input: []byte(tt.input), Timeout: plenty})
			if tt.code != "" {
				wantCode(t, err, tt.code)
			} else if err != nil {
				t.Fatal(err)
			}
			if got := string(result.Output); got != tt.output {
				t.Errorf("output %q, want %q", got, tt.output)
			}
			if got := strings.Join(messages(result.Logs), "\n"); !strings.HasPrefix(got, tt.log) {
				t.Errorf("log %q, want it to start with %q", got, tt.log)
			}
		})
	}
	_, err := m.Call(t.Context(), runtime.Call{Export: pluginapi.ExportStart, Input: []byte("sleep"), Timeout: time.Second})
	wantCode(t, err, host.CallTimeout)
}

func TestCommandIsInspected(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		wat  string
		want map[string]string
	}{
		"no start":    {`(memory 1)`, map[string]string{"module.exports[_start]": "no function"}},
		"wrong start": {`(func (export "_start") (result i32) (i32.const 0))`, map[string]string{"module.exports[_start]": "() -> i32"}},
		"Extism imports": {`(import "extism:host/env" "input_length" (func (result i64))) (func (export "_start"))`,
			map[string]string{"module.imports[extism:host/env.input_length]": "no such function"}},
		"memory": {`(memory 257) (func (export "_start"))`, map[string]string{"module.memory": "16MiB"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := runtime.Source{Wasm: guesttest.WAT(t, `(module `+tt.wat+`)`), ABI: commandABI}
			problems, err := newRuntime(t).Inspect(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			wantProblems(t, problems, tt.want)
		})
	}
}

func TestCommandTraps(t *testing.T) {
	t.Parallel()
	m := load(t, runtime.Source{Wasm: guesttest.WAT(t, `(module (func (export "_start") unreachable))`), ABI: commandABI})
	result, err := m.Call(t.Context(), runtime.Call{Export: pluginapi.ExportStart, Timeout: plenty})
	wantCode(t, err, host.CallTrap)
	if diff := cmp.Diff(runtime.Result{}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}
