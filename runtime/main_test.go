package runtime_test

import (
	"errors"
	"log"
	"net/http"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

func TestMain(m *testing.M) {
	// Guests send their requests through it, as in the real program.
	http.DefaultClient = runtime.NewHTTPClient()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := guesttest.RemoveCache(); err != nil {
			log.Print(err)
			code = 1
		}
		os.Exit(code)
	}))
}

// plenty is a deadline for calls that should succeed, on a busy machine and
// with the race detector.
const plenty = time.Minute

func newRuntime(t testing.TB) *runtime.Runtime {
	t.Helper()
	r, err := runtime.New(runtime.Config{CacheDir: guesttest.CacheDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// load loads a module that must be good.
func load(t testing.TB, src runtime.Source) *runtime.Module {
	t.Helper()
	m, err := newRuntime(t).Load(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// loadHook loads a ready guest with the one export "hook".
func loadHook(t testing.TB, hook guesttest.Hook) *runtime.Module {
	t.Helper()
	module := guesttest.Module(t, map[string]guesttest.Hook{"hook": hook})
	return load(t, runtime.Source{Name: "test", Wasm: module, Exports: []string{"hook"}})
}

// succeed calls an export that must succeed.
func succeed(t testing.TB, m *runtime.Module, call runtime.Call) runtime.Result {
	t.Helper()
	if call.Export == "" {
		call.Export = "hook"
	}
	if call.Timeout == 0 {
		call.Timeout = plenty
	}
	result, err := m.Call(t.Context(), call)
	if err != nil {
		t.Fatalf("call: %v", err)
	}
	return result
}

// wantCode checks that a call failed with a code.
func wantCode(t testing.TB, err error, want host.CallErrorCode) *host.CallError {
	t.Helper()
	var failure *host.CallError
	if !errors.As(err, &failure) {
		t.Fatalf("error %v, want a *host.CallError", err)
	}
	if failure.Code != want {
		t.Fatalf("error %v, want code %s", err, want)
	}
	return failure
}

// messages returns the texts of log lines.
func messages(lines []host.LogLine) []string {
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.Message)
	}
	return texts
}

const commandABI = pluginapi.ABIWASICommand
