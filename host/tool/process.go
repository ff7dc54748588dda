package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/snaphook-dev/snaphook/host"
)

// writeTimeout bounds how long a server may leave unread what it is sent.
const writeTimeout = 10 * time.Second

// process is a server that runs as a child of the host.
type process struct {
	*flights
	cmd    *exec.Cmd
	stdin  *os.File
	stdout *os.File
	stderr *stderrLog
	// exited is closed when the process has been waited for; err is set then.
	exited chan struct{}
	err    error
}

var _ link = (*process)(nil)

// startProcess starts the command of a server, in a process group of its own.
func startProcess(ctx context.Context, spec host.MCPServer, log *slog.Logger) (*process, error) {
	theirIn, ourIn, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	ourOut, theirOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", errors.Join(err, theirIn.Close(), ourIn.Close()))
	}
	// The process ends with stop, not with a context.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), spec.Command[0], spec.Command[1:]...)
	cmd.Env = environment(spec.Env)
	stderr := &stderrLog{log: log}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirIn, theirOut, stderr
	cmd.WaitDelay = time.Second // what a child of it may hold stderr open
	ownGroup(cmd)
	err = cmd.Start()
	err = errors.Join(err, theirIn.Close(), theirOut.Close())
	p := &process{flights: newFlights(), cmd: cmd, stdin: ourIn, stdout: ourOut, stderr: stderr, exited: make(chan struct{})}
	if cmd.Process == nil {
		return nil, fmt.Errorf("start the command: %w", errors.Join(err, ourIn.Close(), ourOut.Close()))
	}
	go p.wait()
	return p, nil
}

// wait reaps the process, and ends what it leaves behind.
func (p *process) wait() {
	defer close(p.exited)
	p.err = p.cmd.Wait()
	killGroup(p.cmd)
	p.stderr.flush()
}

// environment is that of a child: it sees nothing of the host's secrets.
func environment(more map[string]string) []string {
	var all []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			all = append(all, name+"="+value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		all = append(all, name+"="+more[name])
	}
	return all
}

func (p *process) transport() mcp.Transport {
	return &mcp.IOTransport{
		Reader: &processOutput{bounded: bounded{Reader: p.stdout, lines: true, snap: p.snap}, file: p.stdout},
		Writer: &processInput{file: p.stdin, snap: p.snap},
		// What bounded refuses never comes to this limit.
		MaxLineLength: 2 * maxMessage,
	}
}

// stop closes the streams of the process and waits for its end: by itself, then
// because it was told to, then killed.
func (p *process) stop(grace time.Duration, hurry <-chan struct{}) error {
	_ = p.stdin.Close() // it may be closed
	_ = p.stdout.Close()
	if !p.exits(grace, hurry) {
		terminateGroup(p.cmd)
		if !p.exits(grace, hurry) {
			killGroup(p.cmd)
			<-p.exited
		}
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return fmt.Errorf("the process ended: %w", exit)
	}
	return nil
}

// exits waits for the end of the process, as long as there is time.
func (p *process) exits(grace time.Duration, hurry <-chan struct{}) bool {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
	case <-hurry:
	}
	return false
}

// processOutput is what a server writes.
type processOutput struct {
	bounded
	file *os.File
}

// Close unblocks Read.
func (o *processOutput) Close() error { return o.file.Close() }

// processInput is what a server reads. One that does not read is given up.
type processInput struct {
	file *os.File
	snap func(error)
}

var _ io.WriteCloser = (*processInput)(nil)

// Write writes a whole message.
func (i *processInput) Write(message []byte) (int, error) {
	err := i.file.SetWriteDeadline(time.Now().Add(writeTimeout))
	n := 0
	if err == nil {
		n, err = i.file.Write(message)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("it reads nothing for %s", writeTimeout)
	}
	if err != nil {
		i.snap(err)
	}
	return n, err
}

// Close tells the server to end.
func (i *processInput) Close() error { return i.file.Close() }
