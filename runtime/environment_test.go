package runtime_test

import (
	"testing"

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
