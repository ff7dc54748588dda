package runtime_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// cacheFiles returns the files of compiled code.
func cacheFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLoadReplacesDamagedCode(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	var log bytes.Buffer
	r, err := runtime.New(runtime.Config{CacheDir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	src := runtime.Source{Wasm: guesttest.Answer(t, map[string]string{"hook": "{}"}), Exports: []string{"hook"}}
	if _, err := r.Load(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	files := cacheFiles(t, dir)
	if len(files) == 0 {
		t.Fatal("nothing was cached")
	}
	for _, file := range files {
		damage(t, file)
	}
	m, err := r.Load(t.Context(), src)
	if err != nil {
		t.Fatalf("load with damaged code: %v", err)
	}
	if got := string(succeed(t, m, runtime.Call{}).Output); got != "{}" {
		t.Errorf("output %q, want {}", got)
	}
	if !strings.Contains(log.String(), "compile again") {
		t.Errorf("log %q does not mention the damage", log.String())
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// damage changes a byte in the middle of a file's machine code.
func damage(t *testing.T, file string) {
	t.Helper()
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	code[len(code)/2] ^= 0xff
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedModulesLeaveNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	r, err := runtime.New(runtime.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, wat := range []string{
		`(module (import "env" "f" (func)))`, `(module (func $s unreachable) (start $s))`, `(module (memory 300))`,
	} {
		problems, err := r.Inspect(t.Context(), runtime.Source{Wasm: guesttest.WAT(t, wat)})
		if err != nil || len(problems) == 0 {
			t.Fatalf("problems %v, error %v, want a refusal of %s", problems, err, wat)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %v, error %v", left, err)
	}
}

func TestNewRefusesCacheOthersCanWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", dir} {
		if _, err := runtime.New(runtime.Config{CacheDir: dir}); err == nil {
			t.Errorf("New accepted the cache directory %q", dir)
		}
	}
}

// A cache that cannot be written is the host's fault, not the module's.
func TestInspectTellsHostFaults(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	r, err := runtime.New(runtime.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	problems, err := r.Inspect(t.Context(), runtime.Source{Wasm: guesttest.Echo(t, "hook")})
	if err == nil || len(problems) > 0 {
		t.Errorf("problems %v, error %v, want only an error", problems, err)
	}
}

// What is discarded leaves no code behind, and what is loaded does not notice.
func TestDiscard(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	r, err := runtime.New(runtime.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	src := runtime.Source{Wasm: guesttest.Answer(t, map[string]string{"hook": "{}"}), Exports: []string{"hook"}}
	m, err := r.Load(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Discard(t.Context(), src); err != nil {
			t.Fatal(err)
		}
		if files := cacheFiles(t, dir); len(files) > 0 {
			t.Errorf("left behind: %v", files)
		}
	}
	if got := string(succeed(t, m, runtime.Call{}).Output); got != "{}" {
		t.Errorf("output %q, want {}", got)
	}
	if _, err := r.Load(t.Context(), src); err != nil {
		t.Errorf("load again: %v", err)
	}
	if err := r.Discard(t.Context(), runtime.Source{Wasm: []byte("nonsense")}); err != nil {
		t.Errorf("discard what was never compiled: %v", err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Processes may share a cache: what one deletes, another compiles again.
func TestSharedCache(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	src := runtime.Source{Wasm: guesttest.Echo(t, "hook"), Exports: []string{"hook"}}
	var processes [2]*runtime.Runtime
	for i := range processes {
		r, err := runtime.New(runtime.Config{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		processes[i] = r
	}
	for range 100 {
		discarded := make(chan error, 1)
		go func() { discarded <- processes[1].Discard(t.Context(), src) }()
		if _, err := processes[0].Inspect(t.Context(), src); err != nil {
			t.Errorf("load a module whose code is deleted meanwhile: %v", err)
		}
		if err := <-discarded; err != nil {
			t.Error(err)
		}
	}
}
