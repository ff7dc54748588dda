// Package e2e shows the real binary at work: every test starts processes of its
// own, on a directory of its own, and talks to them over HTTP as a client would.
package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// snaphook is the path of the binary under test, which has the race detector
// when the tests have it.
var snaphook string

// compiler is the path of the same without the race detector, which makes compiling
// guests many times slower. It fills the compile cache.
var compiler = sync.OnceValues(func() (string, error) {
	if raceFlags == nil {
		return snaphook, nil
	}
	path := snaphook + "-compiler"
	return path, buildBinary(path)
})

func TestMain(m *testing.M) {
	if bad := os.Getenv(mcpVariable); bad != "" {
		if err := serveMCP(bad); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "snaphook-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make directory:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	snaphook = filepath.Join(dir, "snaphook")
	if err := buildBinary(snaphook, raceFlags...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := guesttest.RemoveCache(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// buildBinary builds the host.
func buildBinary(path string, flags ...string) error {
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, "github.com/snaphook-dev/snaphook/cmd/host")...)
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the host: %w\n%s", err, printed)
	}
	return nil
}

// visitSources opens what the binary is built from. The go command
// notes what a test opens, and does not take the test's result from its cache
// when a file there has changed.
var visitSources = sync.OnceValue(func() error {
	for _, dir := range []string{"go.mod", "cmd", "host", "pluginapi", "plugins", "runtime", "sdk", "store"} {
		visit := func(_ string, _ fs.DirEntry, err error) error { return err }
		if err := filepath.WalkDir(filepath.Join("..", "..", "..", dir), visit); err != nil {
			return err
		}
	}
	return nil
})
