package runtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

func TestLogLevels(t *testing.T) {
	t.Parallel()
	hooks := map[string]guesttest.Hook{"stdout": guesttest.Prints(1, "a\r\nb"), "stderr": guesttest.Prints(2, "\nc\n")}
	levels := []string{"trace", "debug", "info", "warn", "error"}
	for _, level := range levels {
		hooks[level] = guesttest.Logs(level, "at "+level)
	}
	m := load(t, runtime.Source{Wasm: guesttest.Module(t, hooks), Exports: []string{"info"}})
	want := map[string][]string{"stdout": {"info a", "info b"}, "stderr": {"warn ", "warn c"}}
	for _, level := range levels {
		want[level] = []string{level + " at " + level}
	}
	for export, lines := range want {
		var got []string
		for _, l := range succeed(t, m, runtime.Call{Export: export}).Logs {
			if l.At.IsZero() {
				t.Errorf("%s: a line has no time", export)
			}
			got = append(got, l.Level+" "+l.Message)
		}
		if diff := cmp.Diff(lines, got); diff != "" {
			t.Errorf("%s: log (-want +got):\n%s", export, diff)
		}
	}
}

func TestLogIsEscapedAndCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"two\nlines\t\x1b[31m":    `two\nlines\t\x1b[31m`,
		"bad \xff UTF-8":          `bad \xff UTF-8`,
		"turn \u202e around":      `turn \u202e around`,
		"":                        "",
		strings.Repeat("é", 600):  strings.Repeat("é", 510) + "…",
		strings.Repeat("x", 1024): strings.Repeat("x", 1024),
	} {
		got := messages(succeed(t, loadHook(t, guesttest.Logs("info", text)), runtime.Call{}).Logs)
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("log of %q (-want +got):\n%s", text, diff)
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1024)
	tests := []struct {
		name string
		text string
		mode pluginapi.Mode
		kept int
	}{
		{"blocking lines", "a", pluginapi.ModeBlocking, 64},
		{"blocking bytes", long, pluginapi.ModeBlocking, 16},
		{"background lines", "a", pluginapi.ModeBackground, 256},
		{"background bytes", long, pluginapi.ModeBackground, 64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := loadHook(t, guesttest.LogsTimes(tt.text, 300))
			got := messages(succeed(t, m, runtime.Call{Mode: tt.mode}).Logs)
			want := append(slices.Repeat([]string{tt.text}, tt.kept), dropped(300-tt.kept))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrintedLinesAreBounded(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("y", 5000) + "\n" + strings.Repeat("a\n", 70)
	got := messages(succeed(t, loadHook(t, guesttest.Prints(1, text)), runtime.Call{}).Logs)
	want := append([]string{strings.Repeat("y", 1021) + "…"}, slices.Repeat([]string{"a"}, 63)...)
	if diff := cmp.Diff(append(want, dropped(7)), got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// fd_write with very many pieces of one large buffer must end early: it returns
// an error to the guest, which answers its number.
func TestPrintingCannotBeAmplified(t *testing.T) {
	t.Parallel()
	const flood = `(module
	  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	  (memory (export "memory") 32)
	  (func (export "hook") (result i32) (local $i i32)
	    (loop $l
	      (i32.store (i32.add (i32.const 1048576) (local.get $i)) (i32.const 0))
	      (i32.store (i32.add (i32.const 1048580) (local.get $i)) (i32.const 1048576))
	      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 524288))))
	    (i32.ne (call $write (i32.const 1) (i32.const 1048576) (i32.const 65536) (i32.const 0)) (i32.const 29))))`
	m := load(t, runtime.Source{Wasm: guesttest.WAT(t, flood), Exports: []string{"hook"}})
	succeed(t, m, runtime.Call{})
}

func TestLogComesWithAnError(t *testing.T) {
	t.Parallel()
	module := guesttest.WAT(t, `(module
	  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	  (memory (export "memory") 1)
	  (data (i32.const 0) "\08\00\00\00\04\00\00\00oops")
	  (func (export "hook") (result i32)
	    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 100))) unreachable))`)
	m := load(t, runtime.Source{Wasm: module, Exports: []string{"hook"}})
	result, err := m.Call(t.Context(), runtime.Call{Export: "hook", Timeout: plenty})
	if err == nil {
		t.Fatal("a trap is no error")
	}
	if diff := cmp.Diff([]string{"oops"}, messages(result.Logs)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func dropped(n int) string { return fmt.Sprintf("%d more lines were dropped", n) }
