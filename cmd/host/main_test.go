package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this very program as the command snaphook.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"snaphook": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true})
}

func TestRunReturnsTheExitCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want int
	}{
		{[]string{"--help"}, exitOK},
		{[]string{"version"}, exitOK},
		{nil, exitUsage},
		{[]string{"serve"}, exitUsage},
		{[]string{"config", "check", os.DevNull}, exitFailed},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), test.args, &stdout, &stderr); got != test.want {
			t.Errorf("run(%q) = %d, want %d; it wrote %s", test.args, got, test.want, &stderr)
		}
	}
}
