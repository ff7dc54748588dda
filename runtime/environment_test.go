package runtime_test

import (
	"net/http"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// Not parallel: it changes the environment.
func TestNewRefusesToShareStdout(t *testing.T) {
	t.Setenv("EXTISM_ENABLE_WASI_OUTPUT", "1")
	if _, err := runtime.New(runtime.Config{CacheDir: guesttest.CacheDir(t)}); err == nil {
		t.Error("New accepted an environment that hands the host's stdout to guests")
	}
}

func TestCallRefusesUnguardedRequests(t *testing.T) { //nolint:paralleltest // it changes a global
	guarded := http.DefaultClient
	t.Cleanup(func() { http.DefaultClient = guarded })
	http.DefaultClient = &http.Client{}
	m := loadHook(t, guesttest.Echoes())
	_, err := m.Call(t.Context(), runtime.Call{Export: "hook", HTTP: &runtime.HTTPGrant{Hosts: []string{"example.com"}}})
	wantCode(t, err, host.CallUnavailable)
	succeed(t, m, runtime.Call{})
}
