package guesttest

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// prelude is what every ready guest starts with: imports, memory and helpers.
//
//go:embed prelude.wat
var prelude string

// Hook is what one export of a ready guest does; its function is () -> i32
// unless it says otherwise.
type Hook struct {
	text   string
	params string
	// code is WAT that leaves the i32 result on the stack; $text and $textlen
	// are in locals $p and $n.
	code string
}

// Answers returns text as the output.
func Answers(text string) Hook {
	return Hook{text: text, code: `(call $output (local.get $p) (local.get $n)) (i32.const 0)`}
}

// Traps executes unreachable.
func Traps() Hook { return Hook{code: `unreachable`} }

// Loops never ends by itself.
func Loops() Hook { return Hook{code: `(loop $l (br $l)) (i32.const 0)`} }

// Fails returns 1 with text as the error; an empty text sets none.
func Fails(text string) Hook {
	if text == "" {
		return Hook{code: `(i32.const 1)`}
	}
	return Hook{text: text, code: `(call $error_set (call $block (local.get $p) (local.get $n))) (i32.const 1)`}
}

// Exits calls proc_exit.
func Exits(code uint32) Hook {
	return Hook{code: fmt.Sprintf(`(call $proc_exit (i32.const %d)) (i32.const 0)`, code)}
}

// Echoes returns its input as the output.
func Echoes() Hook { return Hook{code: `(call $echo) (i32.const 0)`} }

// TakesParameter is a function (i32) -> i32, which no hook may be.
func TakesParameter() Hook { return Hook{params: `(param i32)`, code: `(i32.const 0)`} }

// Logs logs text at a level (trace, debug, info, warn, error) and answers
// nothing.
func Logs(level, text string) Hook {
	return Hook{text: text, code: fmt.Sprintf(`(call $log_%s (call $block (local.get $p) (local.get $n))) (i32.const 0)`, level)}
}

// LogsTimes logs text count times.
func LogsTimes(text string, count int) Hook {
	return Hook{text: text, code: fmt.Sprintf(`(local.set $i (i32.const %d))
		(loop $l
			(call $log_info (call $block (local.get $p) (local.get $n)))
			(br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
		(i32.const 0)`, count)}
}

// Prints writes text to a WASI file descriptor: 1 is stdout, 2 stderr.
func Prints(fd int, text string) Hook {
	return Hook{text: text, code: fmt.Sprintf(`(call $print (i32.const %d) (local.get $p) (local.get $n)) (i32.const 0)`, fd)}
}

// Sleeps sleeps in poll_oneoff and then returns; it has no loop.
func Sleeps(d time.Duration) Hook {
	return Hook{code: fmt.Sprintf(`(call $sleep (i64.const %d)) (i32.const 0)`, d.Nanoseconds())}
}

// Outputs returns n bytes of output, all zero.
func Outputs(n int) Hook {
	return Hook{code: fmt.Sprintf(`(call $output_set (call $alloc (i64.const %d)) (i64.const %d)) (i32.const 0)`, n, n)}
}

// AnswersConfig returns the value of a configuration key; nothing when it is missing.
func AnswersConfig(key string) Hook {
	return Hook{text: key, code: `(call $answer_block (call $config_get (call $block (local.get $p) (local.get $n)))) (i32.const 0)`}
}

// Requests sends an HTTP request, given as Extism's JSON, and returns the
// response's body. The call traps when the request fails.
func Requests(request string) Hook {
	return Hook{text: request, code: `(call $answer_block (call $http_request (call $block (local.get $p) (local.get $n)) (i64.const 0))) (i32.const 0)`}
}

// Asks calls a function of extism:host/user with blocks of the given bytes and
// returns the block of the reply, nothing when there is none.
func Asks(function string, args ...string) Hook {
	var blocks strings.Builder
	offset := 0
	for _, arg := range args {
		fmt.Fprintf(&blocks, ` (call $block (i32.add (local.get $p) (i32.const %d)) (i32.const %d))`, offset, len(arg))
		offset += len(arg)
	}
	return Hook{
		text: strings.Join(args, ""),
		code: fmt.Sprintf(`(call $answer_block (call $%s%s)) (i32.const 0)`, function, blocks.String()),
	}
}

// LogsResponse sends an HTTP request, as Requests does, and logs the response's
// body.
func LogsResponse(request string) Hook {
	return Hook{text: request, code: `(call $log_info (call $http_request (call $block (local.get $p) (local.get $n)) (i64.const 0))) (i32.const 0)`}
}

// FailsWithResponse sends an HTTP request, as Requests does, and fails with the
// response's body as the error.
func FailsWithResponse(request string) Hook {
	return Hook{text: request, code: `(call $error_set (call $http_request (call $block (local.get $p) (local.get $n)) (i64.const 0))) (i32.const 1)`}
}

// Posts posts its input to a URL and fails unless the answer is a 2xx.
func Posts(url string) Hook {
	return Hook{
		text: fmt.Sprintf(`{"method":"POST","url":%q,"headers":{"Content-Type":"application/json"}}`, url),
		code: `(call $post (call $block (local.get $p) (local.get $n)))`,
	}
}

// Forwards posts its input to a URL and returns the response's body; it fails
// unless the answer is a 2xx.
func Forwards(url string) Hook {
	return Hook{
		text: fmt.Sprintf(`{"method":"POST","url":%q,"headers":{"Content-Type":"application/json"}}`, url),
		code: `(call $answer_block (call $http_request (call $block (local.get $p) (local.get $n)) (call $input)))
		(i32.ne (i32.div_u (call $http_status_code) (i32.const 100)) (i32.const 2))`,
	}
}

// Module makes one module whose exports behave as given.
func Module(t testing.TB, hooks map[string]Hook) []byte {
	t.Helper()
	var data, funcs strings.Builder
	offset := dataStart
	for _, name := range slices.Sorted(maps.Keys(hooks)) {
		h := hooks[name]
		if h.text != "" {
			fmt.Fprintf(&data, "(data (i32.const %d) %s)\n", offset, quote(h.text))
		}
		fmt.Fprintf(&funcs, "(func (export %s) %s (result i32) (local $p i32) (local $n i32) (local $i i32)\n"+
			"(local.set $p (i32.const %d)) (local.set $n (i32.const %d))\n%s)\n",
			quote(name), h.params, offset, len(h.text), h.code)
		offset += len(h.text)
	}
	pages := offset/pageSize + 1
	memory := fmt.Sprintf("(memory (export \"memory\") %d)\n", pages)
	return WAT(t, "(module\n"+prelude+memory+data.String()+funcs.String()+")")
}

// The prelude's helpers use the memory below dataStart.
const (
	dataStart = 1024
	pageSize  = 65536
)

// quote writes a WAT string; every byte is escaped, so any text will do.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		fmt.Fprintf(&b, `\%02x`, s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// Answer makes a module whose exports answer the given texts.
func Answer(t testing.TB, exports map[string]string) []byte {
	t.Helper()
	hooks := make(map[string]Hook, len(exports))
	for name, text := range exports {
		hooks[name] = Answers(text)
	}
	return Module(t, hooks)
}

// Trap makes a module whose one export traps.
func Trap(t testing.TB, export string) []byte {
	t.Helper()
	return Module(t, map[string]Hook{export: Traps()})
}

// Loop makes a module whose one export never ends.
func Loop(t testing.TB, export string) []byte {
	t.Helper()
	return Module(t, map[string]Hook{export: Loops()})
}

// Fail makes a module whose one export fails with a text.
func Fail(t testing.TB, export, text string) []byte {
	t.Helper()
	return Module(t, map[string]Hook{export: Fails(text)})
}

// Echo makes a module whose one export returns its input.
func Echo(t testing.TB, export string) []byte {
	t.Helper()
	return Module(t, map[string]Hook{export: Echoes()})
}
