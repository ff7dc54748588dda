package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

var peakLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakMemory is the most memory the process has ever held, in MiB.
func (p *process) peakMemory(t testing.TB) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	peak := peakLine.FindSubmatch(status)
	if peak == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kib, err := strconv.Atoi(string(peak[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// mustStaySmall checks that the process has never held more than so many MiB.
// Bounds are generous: the race detector alone takes several times what the
// host does.
func (p *process) mustStaySmall(t testing.TB, most int) {
	t.Helper()
	if peak := p.peakMemory(t); peak > most {
		t.Errorf("the host has held %d MiB, want at most %d", peak, most)
	}
}
