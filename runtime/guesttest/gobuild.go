package guesttest

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var goBuilds builds

// Go compiles a guest from Go files, given by name; a go.mod without
// requirements is added when there is none. The guest is a WASI reactor: its
// exports are the functions marked //go:wasmexport.
func Go(t testing.TB, files map[string]string) []byte {
	t.Helper()
	return goGuest(t, files, "-buildmode=c-shared")
}

// GoCommand compiles a Go program to a WASI command, which starts at main.
func GoCommand(t testing.TB, files map[string]string) []byte {
	t.Helper()
	return goGuest(t, files, "-buildmode=exe")
}

// GoDir compiles the Go guest in a directory, which is a module of its own.
func GoDir(t testing.TB, dir string) []byte {
	t.Helper()
	module, err := goBuilds.do(dir, func() ([]byte, error) {
		return goBuild(dir, filepath.Join(t.TempDir(), "guest.wasm"), "-buildmode=c-shared")
	})
	if err != nil {
		t.Fatalf("build Go guest: %v", err)
	}
	return module
}

func goGuest(t testing.TB, files map[string]string, mode string) []byte {
	t.Helper()
	key := []string{mode}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		key = append(key, name, files[name])
	}
	module, err := goBuilds.do(strings.Join(key, "\x00"), func() ([]byte, error) {
		dir := t.TempDir()
		if err := writeFiles(dir, files); err != nil {
			return nil, err
		}
		return goBuild(dir, filepath.Join(dir, "guest.wasm"), mode)
	})
	if err != nil {
		t.Fatalf("build Go guest: %v", err)
	}
	return module
}

func writeFiles(dir string, files map[string]string) error {
	all := map[string]string{"go.mod": "module guest\n\ngo 1.26\n"}
	maps.Copy(all, files)
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func goBuild(dir, out, mode string) ([]byte, error) {
	cmd := exec.Command("go", "build", mode, "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if err := run(cmd); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}
