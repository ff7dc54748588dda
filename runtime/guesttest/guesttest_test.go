package guesttest_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

var magic = []byte("\x00asm\x01\x00\x00\x00")

func TestModuleAssemblesEveryHook(t *testing.T) {
	t.Parallel()
	module := guesttest.Module(t, map[string]guesttest.Hook{
		"answers": guesttest.Answers(`{"decision":"allow"}`), "traps": guesttest.Traps(),
		"loops": guesttest.Loops(), "fails": guesttest.Fails("no"), "fails_silently": guesttest.Fails(""),
		"exits": guesttest.Exits(7), "echoes": guesttest.Echoes(), "takes": guesttest.TakesParameter(),
		"logs": guesttest.Logs("warn", "a line"), "logs_times": guesttest.LogsTimes("a line", 3),
		"prints": guesttest.Prints(2, "oops\n"), "sleeps": guesttest.Sleeps(time.Second),
		"outputs": guesttest.Outputs(9), "config": guesttest.AnswersConfig("key"),
		"asks": guesttest.Asks("kv_set", "key", ""), "logs_response": guesttest.LogsResponse(`{"url":"https://example.com"}`),
		"fails_with_response": guesttest.FailsWithResponse(`{"url":"https://example.com"}`),
		"requests":            guesttest.Requests(`{"url":"https://example.com"}`), "posts": guesttest.Posts("https://example.com"),
		"forwards": guesttest.Forwards("https://example.com"),
	})
	if !bytes.HasPrefix(module, magic) {
		t.Fatalf("module starts with %q, want a Wasm header", module[:8])
	}
}

func TestWATReturnsCopies(t *testing.T) {
	t.Parallel()
	const source = `(module (memory 1))`
	first := guesttest.WAT(t, source)
	first[0] = 'x'
	if second := guesttest.WAT(t, source); !bytes.HasPrefix(second, magic) {
		t.Fatalf("second build starts with %q, want a Wasm header", second[:4])
	}
}

func TestGoBuildsReactorsAndCommands(t *testing.T) {
	t.Parallel()
	files := map[string]string{"main.go": "package main\n\n//go:wasmexport check\nfunc check() int32 { return 0 }\n\nfunc main() {}\n"}
	reactor, command := guesttest.Go(t, files), guesttest.GoCommand(t, files)
	if !bytes.Contains(reactor, []byte("_initialize")) {
		t.Error("the reactor has no _initialize")
	}
	if !bytes.Contains(command, []byte("_start")) {
		t.Error("the command has no _start")
	}
}
