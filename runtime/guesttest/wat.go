package guesttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var watBuilds builds

// WAT assembles a module in the WebAssembly text format.
func WAT(t testing.TB, source string) []byte {
	t.Helper()
	module, err := watBuilds.do(source, func() ([]byte, error) { return assemble(t.TempDir(), source) })
	if err != nil {
		t.Fatalf("assemble: %v", err)
	}
	return module
}

func assemble(dir, source string) ([]byte, error) {
	in, out := filepath.Join(dir, "guest.wat"), filepath.Join(dir, "guest.wasm")
	if err := os.WriteFile(in, []byte(source), 0o600); err != nil {
		return nil, err
	}
	if err := run(exec.Command("wat2wasm", in, "-o", out)); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}
