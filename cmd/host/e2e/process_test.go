package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// process is a running host.
type process struct {
	*client
	cmd    *exec.Cmd
	output *output
	// exited is closed when the process has ended.
	exited chan struct{}
	killed bool
}

// address finds where the host says it listens.
var address = regexp.MustCompile(`http://(?:127\.0\.0\.1|localhost):\d+`)

// start starts a host on the site and waits until it answers. It is stopped
// with the test, at the latest.
func (s *site) start(t testing.TB, args ...string) *process {
	t.Helper()
	p := s.serve(t, args...)
	p.awaitStart(t)
	return p
}

// startAll starts as many hosts at once.
func (s *site) startAll(t testing.TB, n int) []*process {
	t.Helper()
	nodes := make([]*process, n)
	for i := range nodes {
		nodes[i] = s.serve(t)
	}
	for _, p := range nodes {
		p.awaitStart(t)
	}
	return nodes
}

// serve starts a host and returns at once.
func (s *site) serve(t testing.TB, args ...string) *process {
	t.Helper()
	p := s.spawn(t, append([]string{"serve", "--config", "host.yaml", "--listen", "127.0.0.1:0"}, args...)...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("output of the host:\n%s", tail(p.output.String()))
		}
		p.client.http.CloseIdleConnections()
	})
	t.Cleanup(func() { p.stop(t) })
	return p
}

// awaitStart waits until the host answers.
func (p *process) awaitStart(t testing.TB) {
	t.Helper()
	eventually(t, "the host says where it listens", func() bool {
		p.client.base = address.FindString(p.output.String())
		return p.client.base != "" || p.hasExited()
	})
	if p.hasExited() {
		t.Fatalf("the host ended at once: %s", p.output)
	}
	p.get(t, "/health").want(t, 200)
}

// spawn starts the binary in the site's directory. All processes share one
// compile cache; the environment's keys stay outside.
func (s *site) spawn(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{
		client: newClient(), cmd: exec.Command(s.binary, args...),
		output: &output{}, exited: make(chan struct{}),
	}
	p.cmd.Dir = s.dir
	p.cmd.Env = append(environment(), "XDG_CACHE_HOME="+guesttest.CacheDir(t), "HOME="+s.dir)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start the host: %v", err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // the exit code is in ProcessState
	}()
	return p
}

// environment is the test's own without what would make the host talk to a real
// model, or ask for a key.
func environment() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "OPENAI_") && !strings.HasPrefix(v, "SNAPHOOK_") && !strings.HasPrefix(v, "OS_SECURITY_KEY=") {
			kept = append(kept, v)
		}
	}
	return kept
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// terminate asks the process to stop and returns at once.
func (p *process) terminate(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("send SIGTERM: %v", err)
	}
}

// stop stops the process in good order, if it is still running.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if !p.killed && !p.hasExited() {
		p.terminate(t)
	}
	p.wait(t)
}

// wait waits for the end of the process and checks how it was.
func (p *process) wait(t testing.TB) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // it has not obeyed; the test has failed
		<-p.exited
		t.Errorf("the host did not stop")
	}
	printed := p.output.String()
	if strings.Contains(printed, "WARNING: DATA RACE") {
		t.Errorf("data race in the host:\n%s", printed)
	}
	if strings.Contains(printed, "\ngoroutine ") {
		t.Errorf("panic in the host:\n%s", printed)
	}
	if code := p.cmd.ProcessState.ExitCode(); !p.killed && code != 0 {
		t.Errorf("the host ended with code %d", code)
	}
}

// kill ends the process as a power cut would.
func (p *process) kill(t testing.TB) {
	t.Helper()
	p.killed = true
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatalf("send SIGKILL: %v", err)
	}
	p.wait(t)
}

// refuses starts the binary with a configuration it must refuse, and returns
// what it printed.
func (s *site) refuses(t testing.TB, args ...string) string {
	t.Helper()
	p := s.spawn(t, args...)
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.exited
		t.Fatalf("%v goes on running", args)
	}
	if p.cmd.ProcessState.ExitCode() == 0 {
		t.Errorf("%v ended with code 0", args)
	}
	return p.output.String()
}

// tail cuts a long output.
func tail(s string) string {
	const most = 20_000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}
