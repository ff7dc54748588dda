package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// talkative is a plugin whose hook say answers its configuration, ask the body
// of an HTTP response; trap traps and log logs.
const talkative = `manifest_version: 1
name: talkative
version: 1.0.0
hooks:
  - {name: say, point: input, export: say}
  - {name: ask, point: output, export: ask, mode: background}
  - {name: trap, point: input, export: trap, guardrail: true}
  - {name: log, point: input, export: log}
permissions:
  http: {hosts: [hooks.example.com], reason: asks}
tests:
`

func talkativeModule(t *testing.T) []byte {
	t.Helper()
	return guesttest.Module(t, map[string]guesttest.Hook{
		"say": guesttest.AnswersConfig("say"), "trap": guesttest.Traps(), "log": guesttest.Logs("warn", "careful"),
		"ask": guesttest.Requests(`{"url":"https://hooks.example.com/verdict"}`),
	})
}

func TestSelfTestsPass(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	r := newRegistry(t, plugin.Config{Store: store})
	p := install(t, r, []byte(talkative+`  - hook: say
    config: {say: '{"decision":"deny","reason":"no","message":"Not this.","result_labels":["a"]}'}
    context: {input: {content: hi}}
    want: {decision: deny, reason: no, result_labels: [a], warnings: []}
  - hook: say
    context: {input: {content: hi}, extensions: {snaphook: {config: {say: '{"decision":"deny"}'}}}}
    want: {decision: deny}
  - hook: say
    config: {say: '{"decision":"transform","transform":{"path":"$target.content","value":{"a":1.0,"b":[1]}}}'}
    context: {input: {content: hi}}
    want: {transform: {value: {a: 1}}}
  - hook: ask
    http: [{url: "https://hooks.example.com/verdict", body: '{"decision":"allow","reason":"asked"}'}]
    context: {output: {content: {a: 1}}}
    want: {decision: allow, reason: asked}
  - hook: trap
    context: {input: {content: hi}}
    want: {decision: deny, reason: "host_error:interceptor_failed"}
  - {hook: log, context: {input: {content: hi}}, want: {decision: allow}}
`), talkativeModule(t))
	if p.Tests != host.TestsPassed {
		t.Errorf("tests are %s", p.Tests)
	}
	again, err := newRegistry(t, plugin.Config{Store: store}).Plugin("talkative", "1.0.0")
	if err != nil || again.Tests != host.TestsPassed {
		t.Errorf("after a restart tests are %s, %v", again.Tests, err)
	}
	if plain := install(t, r, manifestOf("plain", "1.0.0", ""), answering(t, "")); plain.Tests != host.TestsNotRun {
		t.Errorf("a plugin without tests: %s", plain.Tests)
	}
}

// Every test that fails is reported, with what was wanted, what came, and what
// the hook logged.
func TestSelfTestsFail(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	manifest := []byte(talkative + `  - hook: say
    name: denies
    config: {say: '{"decision":"allow","message":"Fine."}'}
    context: {input: {content: hi}}
    want: {decision: deny, reason: no}
  - {hook: trap, context: {input: {content: hi}}, want: {decision: deny}}
  - {hook: log, context: {input: {content: hi}}, want: {decision: deny}}
  - {hook: log, context: {input: {content: hi}}, want: {decision: allow}}
  - {hook: ask, context: {output: {content: hi}}, want: {decision: allow}}
  - {hook: say, config: {say: nonsense}, context: {input: {content: hi}}, want: {decison: allow}}
  - hook: trap
    context: {input: {content: hi}}
    want: {reason: "host_error:interceptor_timeout"}
`)
	_, err := r.Install(t.Context(), manifest, talkativeModule(t))
	want := []string{
		`line 12: tests[0]: the test "denies" of the hook say: want {"decision":"deny","reason":"no"}, ` +
			`got {"decision":"allow","message":"Fine."}; they differ in decision, reason`,
		`line 17: tests[1]: a test of the hook trap: want {"decision":"deny"}, but the hook failed: trap: `,
		`line 18: tests[2]: a test of the hook log: want {"decision":"deny"}, got {"decision":"allow"}; ` +
			`they differ in decision; it logged warn "careful"`,
		`line 20: tests[4]: a test of the hook ask: want {"decision":"allow"}, but the hook failed: `,
		`line 21: tests[5]: a test of the hook say: want {"decison":"allow"}, but the hook failed: verdict_invalid: `,
		`line 22: tests[6]: a test of the hook trap: want {"reason":"host_error:interceptor_timeout"}, got {"decision":"deny",` +
			`"reason":"host_error:interceptor_failed","message":"The hook talkative.trap failed (trap)."}; they differ in reason`,
	}
	got := refused(t, err, host.CodeInvalid, "tests")
	if !samePrefixes(want, got) {
		t.Errorf("problems (-want +got):\n%s", cmp.Diff(want, got))
	}
	if !strings.Contains(got[3], "nothing is stubbed for GET https://hooks.example.com/verdict") ||
		!strings.HasSuffix(got[3], "; not stubbed: GET https://hooks.example.com/verdict") {
		t.Errorf("what is not stubbed: %s", got[3])
	}
	if plugins := r.Plugins(); len(plugins) > 0 {
		t.Errorf("stored %v", plugins)
	}
	dir := t.TempDir()
	writePlugin(t, dir, "talkative", manifest, talkativeModule(t))
	if err := r.LoadDir(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), `the test "denies"`) {
		t.Errorf("load it from a directory: %v", err)
	}
}

// A program that ends with code 2 denies, in its own tests too.
func TestSelfTestsOfACommand(t *testing.T) {
	t.Parallel()
	const program = `(module
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1)
		(data (i32.const 16) "No secrets.\n")
		(func (export "_start")
			(i32.store (i32.const 0) (i32.const 16))
			(i32.store (i32.const 4) (i32.const 12))
			(drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
			(call $exit (i32.const 2))))`
	manifest := `manifest_version: 1
name: a
version: 1.0.0
abi: wasi-command
hooks: [{point: input}]
tests:
  - {hook: input, context: {input: {content: a secret}}, want: {decision: deny, message: No secrets.}}
`
	r := newRegistry(t, plugin.Config{})
	p := install(t, r, []byte(manifest), guesttest.WAT(t, program))
	if p.Tests != host.TestsPassed {
		t.Errorf("tests are %s", p.Tests)
	}
	result, err := r.Try(t.Context(), "a", "1.0.0", plugin.Try{Hook: "input", Context: hi})
	if err != nil || result.Call.Outcome != host.OutcomeDenied || result.Verdict.Message != "No secrets." {
		t.Errorf("try: %+v, %v", result, err)
	}
}

// A context that cannot be completed, or a stub nobody would ask, is a problem
// of the manifest, and is reported with all others.
func TestSelfTestsThatCannotRun(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{Loader: &guests{call: answersName}})
	_, err := r.Install(t.Context(), manifestOf("a", `"1"`, `config_schema: {type: object, properties: {n: {type: integer}}}
tests:
  - {hook: run, context: {}, want: {}}
  - {hook: run, context: {inptu: {}}, want: {}}
  - {hook: other, context: {}, want: {}}
  - {hook: run, context: {input: {content: hi}}, config: {n: x}, want: {}, kv: {}, http: [{url: ""}]}
  - {hook: run, context: {input: {content: hi}, extensions: {snaphook: {mode: background, session_state: []}}}, want: {}}
`), fakeModule)
	want := []string{
		"line 3: version: must be a semantic version",
		"line 8: tests[0].context.input.content: is missing: a context at input needs it",
		"line 9: tests[1].context.inptu: unknown key",
		"line 10: tests[2].hook: the plugin has no hook",
		"line 11: tests[3].config.n: got string, want integer",
		"line 11: tests[3].http: is not used: the plugin does not ask for this permission",
		"line 11: tests[3].http[0].url: is missing",
		"line 11: tests[3].kv: is not used: the plugin does not ask for this permission",
		"line 12: tests[4].context.extensions.snaphook.mode: the hook is called in the mode blocking",
		"line 12: tests[4].context.extensions.snaphook.session_state: is only for plugins",
		"line 12: tests[4].context.extensions.snaphook.session_state: must be an object",
	}
	if got := refused(t, err, host.CodeInvalid, "manifest"); !samePrefixes(want, got) {
		t.Errorf("problems (-want +got):\n%s", cmp.Diff(want, got))
	}
}

const allPermissions = `permissions:
  http: {hosts: [hooks.example.com], reason: asks}
  kv: {max_bytes: 20, reason: counts}
  session_state: {access: write, reason: remembers}
  secrets: [{name: TOKEN, reason: authenticates}]
`

// The services of a test answer from the test and from nothing else.
func TestSelfTestsAreStubbed(t *testing.T) {
	t.Parallel()
	store := &memory{}
	var said []string
	g := &guests{call: func(ctx context.Context, _ runtime.Source, call runtime.Call) (runtime.Result, error) {
		said = append(said, useServices(ctx, call)...)
		return runtime.Result{}, nil
	}}
	r := newRegistry(t, plugin.Config{Store: store, Loader: g, Secrets: secrets{"TOKEN": "real"}})
	install(t, r, manifestOf("a", "1.0.0", allPermissions+`tests:
  - hook: run
    context: {input: {content: hi}, extensions: {snaphook: {session_state: {n: 1}}}}
    kv: {k: v}
    http: [{url: "https://hooks.example.com", status: 201, body: b}]
    want: {decision: allow}
  - {hook: run, context: {input: {content: hi}}, want: {}}
`), fakeModule)
	want := []string{
		`get k: "v" true <nil>`, `set: <nil>`, `set too much: the plugin may keep 20 bytes in keys and values; this would make it 21`,
		`get l: "0123456789" true <nil>`, `delete: <nil>`, `get l: "" false <nil>`,
		`merge: <nil>`, `state: {"m":2,"n":1} <nil>`, `merge: the change of a session's state must be a JSON object`,
		`http: 201 "b" true`, `other: 0 "" false`, `secrets: [TOKEN] true false`, `granted: true`,
		`get k: "" false kv is not stubbed`, `set: kv is not stubbed`, `set too much: kv is not stubbed`,
		`get l: "" false kv is not stubbed`, `delete: kv is not stubbed`, `get l: "" false kv is not stubbed`,
		`merge: <nil>`, `state: {"m":2} <nil>`, `merge: the change of a session's state must be a JSON object`,
		`http: 0 "" false`, `other: 0 "" false`, `secrets: [TOKEN] true false`, `granted: true`,
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	if loads, open, misuse := g.counts(); loads != 1 || open != 0 || misuse != 0 {
		t.Errorf("%d modules loaded, %d open, %d misused", loads, open, misuse)
	}
}

// useServices asks every service, and says what it answered.
func useServices(ctx context.Context, call runtime.Call) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	s := call.Services
	get := func(key string) {
		value, found, err := s.KV.Get(ctx, key)
		say("get %s: %q %t %v", key, value, found, err)
	}
	get("k")
	say("set: %v", s.KV.Set(ctx, "l", []byte("0123456789")))
	say("set too much: %v", s.KV.Set(ctx, "k", []byte("012345678")))
	get("l")
	say("delete: %v", s.KV.Delete(ctx, "l"))
	get("l")
	say("merge: %v", s.SessionState.Merge(ctx, json.RawMessage(`{"m":2}`)))
	state, err := s.SessionState.Get(ctx)
	say("state: %s %v", state, err)
	var refused *host.Error
	errors.As(s.SessionState.Merge(ctx, json.RawMessage(`[]`)), &refused)
	say("merge: %s", refused.Message)
	status, body, ok := s.HTTP.Answer("GET", "https://hooks.example.com/")
	say("http: %d %q %t", status, body, ok)
	status, body, ok = s.HTTP.Answer("GET", "https://hooks.example.com/other")
	say("other: %d %q %t", status, body, ok)
	value, ok := s.Secrets.Secret("TOKEN")
	_, other := s.Secrets.Secret("OTHER")
	say("secrets: %v %t %t", s.Secrets.Names(), ok && value != "real", other)
	say("granted: %t", call.HTTP != nil)
	return said
}

// An upload whose client leaves ends its tests, and installs nothing.
func TestSelfTestsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := &guests{call: func(ctx context.Context, _ runtime.Source, _ runtime.Call) (runtime.Result, error) {
		cancel()
		return runtime.Result{}, &host.CallError{Code: host.CallCancelled, Err: ctx.Err()}
	}}
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g})
	manifest := manifestOf("a", "1.0.0", "tests: [{hook: run, context: {input: {content: hi}}, want: {}}]\n")
	if _, err := r.Install(ctx, manifest, fakeModule); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, open, _ := g.counts(); open != 0 || len(r.Plugins()) > 0 || len(g.discarded) != 1 {
		t.Errorf("%d modules open, plugins %v, discarded %v", open, r.Plugins(), g.discarded)
	}
}

// A module that cannot be called says nothing about the plugin.
func TestSelfTestsUnavailable(t *testing.T) {
	t.Parallel()
	g := &guests{call: func(context.Context, runtime.Source, runtime.Call) (runtime.Result, error) {
		return runtime.Result{}, &host.CallError{Code: host.CallUnavailable, Message: "the module is closed"}
	}}
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g})
	_, err := r.Install(t.Context(), manifestOf("a", "1.0.0", tested), fakeModule)
	if host.CodeOf(err) != host.CodeInternal || !strings.Contains(err.Error(), "the module is closed") {
		t.Errorf("error %v", err)
	}
}

// Tests end, however long each of them may take.
func TestSelfTestsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &guests{call: func(ctx context.Context, _ runtime.Source, _ runtime.Call) (runtime.Result, error) {
			select {
			case <-ctx.Done():
			case <-time.After(7 * time.Second):
			}
			return runtime.Result{}, &host.CallError{Code: host.CallTimeout, Err: ctx.Err()}
		}}
		r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g})
		const one = "  - {hook: run, context: {input: {content: hi}}, want: {decision: deny}}\n"
		started := time.Now()
		_, err := r.Install(t.Context(), manifestOf("a", "1.0.0", "tests:\n"+strings.Repeat(one, 20)), fakeModule)
		got := refused(t, err, host.CodeInvalid, "tests")
		if len(got) != 9 || !strings.HasSuffix(got[8], "the tests of a plugin have 1m0s in all") || time.Since(started) != time.Minute {
			t.Errorf("after %s: %d problems, the last %s", time.Since(started), len(got), got[len(got)-1])
		}
	})
}
