package runtime

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

func noRedirection(string, string) (string, bool) { return "", false }

func TestRewriteBoundsMemory(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`(module (memory 1))`:                              `(module (memory 1 16))`,
		`(module (memory 1 8))`:                            `(module (memory 1 8))`,
		`(module (memory 1 65536) (func (nop)))`:           `(module (memory 1 16) (func (nop)))`,
		`(module (memory 300) (func (nop)))`:               `(module (memory 300 300) (func (nop)))`,
		`(module (global i32 (i32.const 1)))`:              `(module (global i32 (i32.const 1)))`,
		`(module (import "env" "m" (memory 1 2)))`:         `(module (import "env" "m" (memory 1 2)))`,
		`(module (memory 1 200) (data (i32.const 0) "x"))`: `(module (memory 1 16) (data (i32.const 0) "x"))`,
	}
	for from, to := range tests {
		b, err := readBinary(guesttest.WAT(t, from))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(guesttest.WAT(t, to), b.rewrite(16, noRedirection)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", from, diff)
		}
	}
}

func TestRewriteRedirectsImports(t *testing.T) {
	t.Parallel()
	imports := func(log, exit string) []byte {
		return guesttest.WAT(t, `(module
		  (import "env" "table" (table 1 2 funcref))
		  (import "env" "global" (global (mut i64)))
		  (import "extism:host/env" "length" (func (param i64) (result i64)))
		  (import "`+log+`" "log_warn" (func (param i64)))
		  (import "`+exit+`" "proc_exit" (func (param i32)))
		  (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
		  (memory 1 1))`)
	}
	original := imports(extismModule, wasiModule)
	b, err := readBinary(original)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(imports(redirectedExtism, redirectedWASI), b.rewrite(16, redirectExtism)); diff != "" {
		t.Errorf("redirected module (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(imports(extismModule, wasiModule), original); diff != "" {
		t.Errorf("the original changed (-want +got):\n%s", diff)
	}
}

// Whatever the bytes, reading them ends without a panic, and what is rewritten
// can be read again.
func FuzzReadBinary(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x02\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01"))
	f.Add(guesttest.WAT(f, `(module (import "extism:host/env" "log_info" (func (param i64))) (memory 1 2))`))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		b, err := readBinary(wasm)
		if err != nil {
			return
		}
		if _, err := readBinary(b.rewrite(16, redirectExtism)); err != nil {
			t.Errorf("the rewritten module cannot be read: %v", err)
		}
	})
}
