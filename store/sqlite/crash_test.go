package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// crashPathVariable names the database for the process that is to be killed.
const crashPathVariable = "SNAPHOOK_TEST_CRASH_PATH"

// TestCrash kills a process with SIGKILL while eight clients finish runs: every
// run it acknowledged is there whole, and what it held is swept. It is not
// parallel: between fork and exec a process shares the file locks of the others.
func TestCrash(t *testing.T) { //nolint:paralleltest // see above
	path := filepath.Join(t.TempDir(), "test.db")
	acknowledged := killAfter(t, path, 300)

	s := openAt(t, path)
	for _, id := range acknowledged {
		run, err := s.Run(t.Context(), id)
		if err != nil || run.Status != host.RunCompleted {
			t.Fatalf("acknowledged run %s: status %q, error %v", id, run.Status, err)
		}
		calls, err := s.HookCalls(t.Context(), id)
		if err != nil || len(calls) != 2 {
			t.Fatalf("acknowledged run %s: %d hook calls, error %v", id, len(calls), err)
		}
	}
	swept, err := s.Sweep(t.Context(), "self", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if min := 2 * len(acknowledged); swept.Calls < min {
		t.Errorf("swept %d calls, want at least %d", swept.Calls, min)
	}
}

// killAfter runs the process, kills it after n acknowledged runs and returns
// those it got to say.
func killAfter(t *testing.T, path string, n int) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashPathVariable+"="+path)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == n/2 {
			wantLocked(t, path)
		}
		if len(acknowledged) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(acknowledged) < n {
		t.Fatalf("the process ended after %d runs: %v", len(acknowledged), err)
	}
	return acknowledged
}

func wantLocked(t *testing.T, path string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err == nil {
		t.Error(s.Close())
	}
	if !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("opened while another process has it: error %v, want ErrLocked", err)
	}
}

// writeUntilKilled finishes runs for ever and prints the id of each that was
// acknowledged.
func writeUntilKilled(path string) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var group sync.WaitGroup
	for client := range 8 {
		group.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", client, i)
				if err := finishRun(ctx, s, id); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println(id)
			}
		})
	}
	group.Wait()
}

// finishRun creates a run lazily and finishes it with two calls the process
// holds.
func finishRun(ctx context.Context, s host.Store, id string) error {
	run := host.Run{ID: id, RootID: id, SessionID: "session", Status: host.RunRunning, Attempt: 1}
	lease := host.Lease{Owner: "killed", Until: time.Now().Add(time.Hour)}
	if err := s.CreateRun(ctx, host.NewRun{Run: run, Lease: lease}); err != nil {
		return err
	}
	run.Status = host.RunCompleted
	var calls []host.HookCall
	for _, name := range []string{"a", "b"} {
		calls = append(calls, host.HookCall{
			ID: name + id, RunID: id, SessionID: run.SessionID, Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 5,
			Owner: lease.Owner, LeaseUntil: lease.Until,
		})
	}
	return s.FinishRun(ctx, host.Finish{Run: run, Calls: calls})
}
