package runtime_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

const goodHook = `(func (export "hook") (result i32) (i32.const 0))`

func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	good := guesttest.WAT(t, `(module `+goodHook+`)`)
	wat := func(body string) []byte { return guesttest.WAT(t, `(module `+body+`)`) }
	tests := map[string]struct {
		wasm []byte
		// want maps the path of each problem to a part of its message.
		want map[string]string
	}{
		"empty":                {nil, map[string]string{"module": "empty"}},
		"magic only":           {good[:4], map[string]string{"module": "truncated"}},
		"header only, no hook": {good[:8], map[string]string{"module": "no sections"}},
		"truncated":            {good[:len(good)-3], map[string]string{"module": "truncated or damaged"}},
		"text":                 {[]byte("#!/bin/sh\necho"), map[string]string{"module": "no WebAssembly module"}},
		"component":            {[]byte("\x00asm\x0d\x00\x01\x00\x00"), map[string]string{"module": "build a core module"}},
		"version":              {[]byte("\x00asm\x02\x00\x00\x00\x00"), map[string]string{"module": "version 02 00 00 00"}},
		"no type section":      {[]byte("\x00asm\x01\x00\x00\x00\x03\x02\x01\x00"), map[string]string{"module": "not valid"}},
		"no hook":              {wat(`(memory 1)`), map[string]string{"module.exports[hook]": "no function of this name"}},
		"hook is a global": {wat(`(global (export "hook") i32 (i32.const 0))`),
			map[string]string{"module.exports[hook]": "no function of this name"}},
		"parameters": {wat(`(func (export "hook") (param i32) (result i32) (i32.const 0))`),
			map[string]string{"module.exports[hook]": "takes no parameters"}},
		"no result":  {wat(`(func (export "hook"))`), map[string]string{"module.exports[hook]": "() -> (); it must be () -> i32"}},
		"i64 result": {wat(`(func (export "hook") (result i64) (i64.const 0))`), map[string]string{"module.exports[hook]": "() -> i64"}},
		"everything at once": {wat(`
			(import "env" "emscripten_notify_memory_growth" (func (param i32)))
			(import "env" "extism_alloc" (func (param i64) (result i64)))
			(import "env" "abort" (func (param i32)))
			(import "extism:env" "alloc" (func (param i64) (result i64)))
			(import "extism:host/user" "no_such" (func (param i64) (result i64)))
			(import "extism:host/user" "no_such" (func (param i64) (result i64)))
			(import "extism:host/user" "kv_set" (func (param i64) (result i64)))
			(import "extism:host/env" "alloc" (func (param i32) (result i32)))
			(import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))
			(import "snaphook/extism" "alloc" (func (param i64) (result i64)))
			(import "env" "table" (table 1 funcref))
			(import "env" "global" (global i32))
			(memory 257)`),
			map[string]string{
				"module.imports[env.emscripten_notify_memory_growth]": "ALLOW_MEMORY_GROWTH",
				"module.imports[env.extism_alloc]":                    "PDK",
				"module.imports[env.abort]":                           "--use abort=",
				"module.imports[extism:env.alloc]":                    "PDK",
				"module.imports[extism:host/user.no_such]":            "no such function",
				"module.imports[extism:host/user.kv_set]":             "(i64) -> i64; it is (i64, i64) -> i64",
				"module.imports[extism:host/env.alloc]":               "(i32) -> i32; it is (i64) -> i64",
				"module.imports[wasi_snapshot_preview1.proc_exit]":    "(i64) -> (); it is (i32) -> ()",
				"module.imports[snaphook/extism.alloc]":               "no such function",
				"module.imports[env.table]":                           "not a table",
				"module.imports[env.global]":                          "not a global",
				"module.memory":                                       "16448KiB",
				"module.exports[hook]":                                "no function",
			}},
		"imported memory": {wat(`(import "env" "memory" (memory 1)) ` + goodHook),
			map[string]string{"module.imports[env.memory]": "not a memory"}},
		"start traps": {wat(`(func $s unreachable) (start $s) ` + goodHook), map[string]string{"module.start": "unreachable"}},
		"start calls the host": {wat(`(import "extism:host/env" "input_length" (func $n (result i64)))
			(func $s (drop (call $n))) (start $s) ` + goodHook), map[string]string{"module.start": "Invalid context"}},
		"initialiser traps": {wat(`(func (export "_initialize") unreachable) ` + goodHook), map[string]string{"module.start": "unreachable"}},
		"initialiser exits": {wat(`(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
			(func (export "_initialize") (call $exit (i32.const 0))) ` + goodHook), map[string]string{"module.start": "code 0"}},
		"data out of bounds": {wat(`(memory 1) (data (i32.const 65536) "x") ` + goodHook), map[string]string{"module.start": "out of bounds"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems, err := newRuntime(t).Inspect(t.Context(), runtime.Source{Wasm: tt.wasm, Exports: []string{"hook"}})
			if err != nil {
				t.Fatal(err)
			}
			wantProblems(t, problems, tt.want)
		})
	}
}

// wantProblems compares problems with parts of their messages by path; each
// path must appear once.
func wantProblems(t *testing.T, problems []host.Problem, want map[string]string) {
	t.Helper()
	left := maps.Clone(want)
	for _, p := range problems {
		part, ok := left[p.Path]
		if !ok || !strings.Contains(p.Message, part) {
			t.Errorf("problem %q, want one of %v", p, slices.Sorted(maps.Keys(left)))
		}
		delete(left, p.Path)
	}
	for path, part := range left {
		t.Errorf("no problem %s: …%s…", path, part)
	}
}

func TestInspectAcceptsAGoodModule(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no memory":        goodHook,
		"memory at limit":  `(memory 256 256) ` + goodHook,
		"maximum above it": `(memory 1 65536) ` + goodHook,
		"imported twice": `(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
			(import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) ` + goodHook,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := runtime.Source{Wasm: guesttest.WAT(t, `(module `+body+`)`), Exports: []string{"hook"}}
			if problems, err := newRuntime(t).Inspect(t.Context(), src); err != nil || len(problems) > 0 {
				t.Errorf("problems %v, error %v, want none", problems, err)
			}
		})
	}
}

// A module may import every function there is.
func TestInspectAcceptsTheWholeABI(t *testing.T) {
	t.Parallel()
	var imports strings.Builder
	add := func(module, name, signature string) {
		params, result, _ := strings.Cut(signature, " -> ")
		fmt.Fprintf(&imports, "(import %q %q (func %s %s))\n", module, name,
			watTypes("param", params), watTypes("result", result))
	}
	for name, f := range runtime.ExtismFunctions {
		add("extism:host/env", name, string(f))
	}
	for name, f := range runtime.UserFunctions() {
		add("extism:host/user", name, string(f))
	}
	src := runtime.Source{Wasm: guesttest.WAT(t, `(module `+imports.String()+goodHook+`)`), Exports: []string{"hook"}}
	if problems, err := newRuntime(t).Inspect(t.Context(), src); err != nil || len(problems) > 0 {
		t.Errorf("problems %v, error %v, want none", problems, err)
	}
}

// watTypes writes "(i64, i64)" or "i64" as "(param i64 i64)".
func watTypes(keyword, types string) string {
	types = strings.Trim(strings.ReplaceAll(types, ",", ""), "()")
	if types == "" {
		return ""
	}
	return "(" + keyword + " " + types + ")"
}

func TestLoadRefusesWithEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := newRuntime(t).Load(t.Context(), runtime.Source{
		Name: "bad", Wasm: guesttest.WAT(t, `(module (memory 300))`), Exports: []string{"one", "two"},
	})
	var refused *host.Error
	if !errors.As(err, &refused) || refused.Code != host.CodeInvalid || len(refused.Problems) != 3 {
		t.Errorf("error %#v, want one with code %s and 3 problems", err, host.CodeInvalid)
	}
}

func TestLoadChecksLimits(t *testing.T) {
	t.Parallel()
	good := guesttest.WAT(t, `(module `+goodHook+`)`)
	for path, src := range map[string]runtime.Source{
		"abi":           {Wasm: good, ABI: "component"},
		"limits.memory": {Wasm: good, Memory: int64(pluginapi.MaxMemory) + 1},
		"limits.output": {Wasm: good, Output: int64(pluginapi.MaxOutput) + 1},
	} {
		problems, err := newRuntime(t).Inspect(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		wantProblems(t, problems, map[string]string{path: "must be"})
	}
}

func TestLoadAfterClose(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	src := runtime.Source{Wasm: guesttest.Echo(t, "hook"), Exports: []string{"hook"}}
	m, err := r.Load(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = m.Call(t.Context(), runtime.Call{Export: "hook"})
	wantCode(t, err, host.CallUnavailable)
	if _, err := r.Load(t.Context(), src); err == nil {
		t.Error("a closed runtime loaded a module")
	}
}
