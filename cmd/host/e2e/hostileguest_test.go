package e2e

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// greedy are guests that never stop taking. What they log at a time has 64 KiB.
const greedy = `(module
	(import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
	(import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
	(import "extism:host/env" "log_info" (func $log_info (param i64)))
	(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 4)
	(func (export "grows") (result i32)
		(loop $l (memory.fill
			(i32.shl (memory.grow (i32.const 16)) (i32.const 16)) (i32.const 1) (i32.const 1048576)) (br $l))
		(i32.const 0))
	(func (export "allocates") (result i32)
		(loop $l (drop (call $alloc (i64.const 1048576))) (br $l)) (i32.const 0))
	(func (export "prints") (result i32)
		(memory.fill (i32.const 65536) (i32.const 120) (i32.const 65535))
		(i32.store8 (i32.const 131071) (i32.const 10))
		(i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 65536))
		(loop $l (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br $l))
		(i32.const 0))
	(func (export "floods") (result i32) (local $h i64)
		(local.set $h (call $alloc (i64.const 1)))
		(loop $l (drop (call $config_get (local.get $h))) (br $l)) (i32.const 0))
	(func (export "logs") (result i32) (local $h i64)
		(local.set $h (call $alloc (i64.const 65536)))
		(loop $l (call $log_info (local.get $h)) (br $l)) (i32.const 0))
	(func (export "logs_100mb") (result i32) (local $h i64) (local $i i32)
		(local.set $h (call $alloc (i64.const 65536)))
		(loop $l
			(call $log_info (local.get $h))
			(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1600))))
		(i32.const 0)))`

// talkative is a program that writes to stdout for ever.
const talkative = `(module
	(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 2)
	(func (export "_start")
		(i32.store (i32.const 4) (i32.const 65536))
		(loop $l (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br $l))))`

const commandManifest = `manifest_version: 1
name: talkative
version: 1.0.0
abi: wasi-command
hooks:
  - {name: outputs, point: input, guardrail: true, timeout: 5s}
`

// TestHostileGuests: a guest that takes without end is ended with a reason, its
// run is refused, and neither the next run nor the host's memory suffers.
func TestHostileGuests(t *testing.T) {
	t.Parallel()
	const failed, timeout = "host_error:interceptor_failed", "host_error:interceptor_timeout"
	// Those that end by themselves have time enough to do so.
	endless, ending := []string{"guardrail: true", "timeout: 1s"}, []string{"guardrail: true", "timeout: 5s"}
	plugins := []plugin{
		newPlugin(t, "huge", "",
			hook{name: "outputs", point: "input", fields: ending, does: guesttest.Outputs(100 << 20)},
			hook{name: "sleeps", point: "input", fields: endless, does: guesttest.Sleeps(time.Hour)}),
		watPlugin(t, "greedy", greedy,
			hook{name: "grows", point: "input", fields: ending},
			hook{name: "allocates", point: "input", fields: ending},
			hook{name: "prints", point: "input", fields: endless},
			hook{name: "floods", point: "input", fields: endless},
			hook{name: "logs", point: "input", fields: endless},
			hook{name: "logs_100mb", point: "input", fields: []string{"mode: background", "timeout: 2m"}}),
		{"talkative", "1.0.0", commandManifest, guesttest.WAT(t, talkative)},
	}
	tests := []struct{ plugin, hook, reason, code string }{
		{"huge", "outputs", failed, "trap"}, // there is no room to write it to
		{"huge", "sleeps", timeout, "timeout"},
		{"greedy", "grows", failed, "trap"},
		{"greedy", "allocates", failed, "trap"},
		{"greedy", "prints", timeout, "timeout"},
		{"greedy", "logs", timeout, "timeout"},
		{"greedy", "floods", timeout, "timeout"},
		{"talkative", "outputs", failed, "output_too_large"},
	}
	p := newSite(t, config{agents: []string{"agent", "calm"}}).start(t)
	p.install(t, plugins...)
	for _, tt := range tests {
		p.bind(t, "agent", binding{"plugin": tt.plugin, "hook": tt.hook})
		refused := p.run(t, "agent", form{"message": "hello"})
		call := p.hooks(t, refused.RunID)[0]
		got := []string{refused.Status, refused.ErrorType, refused.ErrorID, call.Outcome, "no error"}
		if call.Error != nil {
			got[4] = call.Error.Code
		}
		want := []string{"ERROR", "input_check_error", tt.reason, "failed_closed", tt.code}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s.%s with %+v (-want +got):\n%s", tt.plugin, tt.hook, call.Error, diff)
		}
		p.run(t, "calm", form{"message": "hello"}).must(t, "hello")
	}
	checkLogs100MB(t, p)
	p.mustStaySmall(t, 512)
}

// checkLogs100MB: of 100 MB of logs the host keeps a beginning and the number of
// what it dropped.
func checkLogs100MB(t *testing.T, p *process) {
	t.Helper()
	p.bind(t, "agent", binding{"plugin": "greedy", "hook": "logs_100mb"})
	done := p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
	call := p.settled(t, done.RunID)[0]
	if n := len(call.Logs); call.Status != "completed" || n > 300 || !call.logged("more lines were dropped") {
		t.Errorf("%s with %d lines of log, want it completed with at most 300", call.summary(), n)
	}
	if n := len(p.output.String()); n > 2<<20 {
		t.Errorf("the host has printed %d bytes", n)
	}
}

// watPlugin makes a plugin whose hooks are the exports of a module in the text
// format.
func watPlugin(t testing.TB, name, source string, hooks ...hook) plugin {
	t.Helper()
	for i := range hooks {
		hooks[i].does = guesttest.Traps() // stands in for the module's own
	}
	p := newPlugin(t, name, "", hooks...)
	p.module = guesttest.WAT(t, source)
	return p
}
