package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

func TestCallReturnsOutput(t *testing.T) {
	t.Parallel()
	const verdict = `{"decision":"allow"}`
	m := loadHook(t, guesttest.Answers(verdict))
	if got := string(succeed(t, m, runtime.Call{}).Output); got != verdict {
		t.Errorf("output %q, want %q", got, verdict)
	}
}

func TestCallAllowsEmptyOutput(t *testing.T) {
	t.Parallel()
	m := loadHook(t, guesttest.Logs("info", "nothing to say"))
	if got := succeed(t, m, runtime.Call{}).Output; len(got) != 0 {
		t.Errorf("output %q, want none", got)
	}
}

// The input must arrive whole, whatever its length and the module's own memory.
func TestCallHandsInputOver(t *testing.T) {
	t.Parallel()
	module := guesttest.Echo(t, "hook")
	m := load(t, runtime.Source{Wasm: module, Exports: []string{"hook"}, Memory: 1 << 20, Output: 1 << 20})
	for _, size := range []int{0, 1, 7, 8, 200, 201, 202, 203, 64 << 10, 1 << 20} {
		input := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		if got := succeed(t, m, runtime.Call{Input: input}).Output; !bytes.Equal(got, input) {
			t.Errorf("%d bytes of input came back as %d", size, len(got))
		}
	}
}

// inputSize answers the input's length in decimal, after it has read the last byte.
const inputSize = `(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (func (export "hook") (result i32)
    (i32.or (i64.ne (call $length) (i64.const 5242880))
            (i32.ne (call $load (i64.const 5242879)) (i32.const 33)))))`

func TestCallBoundsInput(t *testing.T) {
	t.Parallel()
	m := load(t, runtime.Source{Wasm: guesttest.WAT(t, inputSize), Exports: []string{"hook"}})
	input := bytes.Repeat([]byte{'!'}, runtime.MaxInput)
	succeed(t, m, runtime.Call{Input: input})
	_, err := m.Call(t.Context(), runtime.Call{Export: "hook", Input: append(input, '!')})
	wantCode(t, err, host.CallInputTooLarge)
}

func TestCallErrors(t *testing.T) {
	t.Parallel()
	m := load(t, runtime.Source{Exports: []string{"traps"}, Output: 1000, Wasm: guesttest.Module(t, map[string]guesttest.Hook{
		"traps": guesttest.Traps(), "fails": guesttest.Fails("no such user\n\x1b[31m"), "silent": guesttest.Fails(""),
		"exits": guesttest.Exits(7), "exits0": guesttest.Exits(0), "takes": guesttest.TakesParameter(),
		"long": guesttest.Outputs(1001), "fits": guesttest.Outputs(1000), "cancel_code": guesttest.Exits(0xffffffff),
	})})
	tests := []struct {
		export  string
		code    host.CallErrorCode
		message string
	}{
		{"traps", host.CallTrap, "unreachable"},
		{"fails", host.CallFailed, `no such user\n\x1b[31m`},
		{"silent", host.CallFailed, "returned 1"},
		{"exits", host.CallExit, "code 7"},
		{"exits0", host.CallExit, "code 0"},
		{"cancel_code", host.CallExit, "code 4294967295"},
		{"takes", host.CallWrongSignature, "(i32) -> i32"},
		{"missing\n", host.CallMissingExport, `missing\\n`},
		{"long", host.CallOutputTooLarge, "1001"},
	}
	for _, tt := range tests {
		t.Run(tt.export, func(t *testing.T) {
			t.Parallel()
			_, err := m.Call(t.Context(), runtime.Call{Export: tt.export, Timeout: plenty})
			if failure := wantCode(t, err, tt.code); !strings.Contains(failure.Message, tt.message) {
				t.Errorf("message %q, want it to contain %q", failure.Message, tt.message)
			}
		})
	}
	if got := succeed(t, m, runtime.Call{Export: "fits"}).Output; len(got) != 1000 {
		t.Errorf("output of %d bytes, want 1000", len(got))
	}
}

func TestCallStopsAtDeadline(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]guesttest.Hook{"loop": guesttest.Loops(), "sleep": guesttest.Sleeps(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := loadHook(t, hook).Call(t.Context(), runtime.Call{Export: "hook", Timeout: 50 * time.Millisecond})
			if wantCode(t, err, host.CallTimeout); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v does not wrap the deadline", err)
			}
		})
	}
}

func TestCallTellsCallerThatLeft(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]guesttest.Hook{"loop": guesttest.Loops(), "sleep": guesttest.Sleeps(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := loadHook(t, hook)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				_, err := m.Call(ctx, runtime.Call{Export: "hook", Timeout: plenty})
				done <- err
			}()
			cancel()
			wantCode(t, <-done, host.CallCancelled)
		})
	}
}

func TestCallBoundsMemory(t *testing.T) {
	t.Parallel()
	// 16 pages are the limit: one more page must not be had.
	const grow = `(module (memory 1)
	  (func (export "hook") (result i32)
	    (if (i32.ne (memory.grow (i32.const 15)) (i32.const 1)) (then (return (i32.const 2))))
	    (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))`
	m := load(t, runtime.Source{Wasm: guesttest.WAT(t, grow), Exports: []string{"hook"}, Memory: 1 << 20})
	succeed(t, m, runtime.Call{})
}

func TestCallIsFresh(t *testing.T) {
	t.Parallel()
	const counter = `(module (global $calls (mut i32) (i32.const 0))
	  (func (export "hook") (result i32)
	    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
	    (i32.ne (global.get $calls) (i32.const 1))))`
	m := load(t, runtime.Source{Wasm: guesttest.WAT(t, counter), Exports: []string{"hook"}})
	for range 3 {
		succeed(t, m, runtime.Call{})
	}
}

func TestCallGivesConfig(t *testing.T) {
	t.Parallel()
	m := loadHook(t, guesttest.AnswersConfig("url"))
	for _, config := range []map[string]string{{"url": "https://a.example"}, {"url": "https://b.example"}, {"other": "x"}, nil} {
		if got := string(succeed(t, m, runtime.Call{Config: config}).Output); got != config["url"] {
			t.Errorf("config_get with %v answered %q", config, got)
		}
	}
}

func TestCallKeepsBrokenTransfersFromLookingEmpty(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"output outside memory":     `(call $output_set (i64.const 4294967296) (i64.const 8)) (i32.const 0)`,
		"output longer than memory": `(call $output_set (i64.const 100) (i64.const 68719476736)) (i32.const 0)`,
		"no room":                   `(loop $l (drop (call $alloc (i64.const 1048576))) (br $l)) (i32.const 0)`,
		"size that wraps":           `(drop (call $alloc (i64.const 281474976710656))) (i32.const 0)`,
		"error that is no block":    `(call $error_set (i64.const 99)) (i32.const 0)`,
	}
	const imports = `(import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
	  (import "extism:host/env" "error_set" (func $error_set (param i64)))
	  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))`
	for name, code := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module := guesttest.WAT(t, `(module `+imports+`(func (export "hook") (result i32) `+code+`))`)
			m := load(t, runtime.Source{Wasm: module, Exports: []string{"hook"}})
			if result, err := m.Call(t.Context(), runtime.Call{Export: "hook", Timeout: plenty}); err == nil {
				t.Errorf("the call succeeded with output %q", result.Output)
			}
		})
	}
}

// Calls run side by side; a module that is closed meanwhile finishes them and
// refuses the next.
func TestCallConcurrentlyWithClose(t *testing.T) {
	t.Parallel()
	m := loadHook(t, guesttest.Echoes())
	const callers = 8
	var began, done sync.WaitGroup
	began.Add(callers)
	for i := range callers {
		input := []byte(strings.Repeat("x", i+1))
		done.Go(func() {
			for first := true; ; first = false {
				result, err := m.Call(t.Context(), runtime.Call{Export: "hook", Input: input, Timeout: plenty})
				if first {
					began.Done()
				}
				if err != nil {
					wantUnavailable(t, err)
					return
				}
				if !bytes.Equal(result.Output, input) {
					t.Errorf("input %q came back as %q", input, result.Output)
				}
			}
		})
	}
	began.Wait()
	if err := errors.Join(m.Close(t.Context()), m.Close(t.Context())); err != nil {
		t.Error(err)
	}
	done.Wait()
}

// wantUnavailable is for goroutines of a test, which must not end it.
func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if code := host.CallErrorOf(err).Code; code != host.CallUnavailable {
		t.Errorf("error %v, want code %s", err, host.CallUnavailable)
	}
}

func TestCallBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	m := loadHook(t, guesttest.Logs("info", "ran"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result, err := m.Call(ctx, runtime.Call{Export: "hook"})
	wantCode(t, err, host.CallCancelled)
	if diff := cmp.Diff(runtime.Result{}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func BenchmarkCall(b *testing.B) {
	m := loadHook(b, guesttest.Echoes())
	input := bytes.Repeat([]byte("0123456789abcdef"), 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Call(b.Context(), runtime.Call{Export: "hook", Input: input}); err != nil {
			b.Fatal(err)
		}
	}
}
