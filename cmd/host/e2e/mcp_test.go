package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// newObedient makes a model that calls the tool its user names, as "NAME ARGUMENTS",
// and then answers what the tool said.
func newObedient(t testing.TB) *openaitest.Server {
	t.Helper()
	return openaitest.New(t, func(_ int, req openaitest.Request) openaitest.Answer {
		last := req.Messages[len(req.Messages)-1]
		if last.Role == "tool" {
			return openaitest.Text(last.Content)
		}
		name, args, _ := strings.Cut(last.Content, " ")
		return openaitest.Call(openaitest.ToolCall{ID: "call_1", Name: name, Arguments: args})
	})
}

// mcpAgent is an agent with the tools of a server, given as YAML.
func mcpAgent(id, server string) string {
	return fmt.Sprintf("{id: %s, model: default, tools: [{mcp: %s, timeout: 20s}]}", id, server)
}

// referenceServer is the program of the MCP project's own server. `make test` has
// installed it.
func referenceServer(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../../.cache/mcp/node_modules/@modelcontextprotocol/server-everything/dist/index.js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the MCP server is not there (`make test-tools` installs it): %v", err)
	}
	return path
}

const (
	sum      = `get-sum {"a":19,"b":23}`
	summed   = "The sum of 19 and 23 is 42."
	takesAge = `trigger-long-running-operation {"duration":3600,"steps":1}`
)

// TestReferenceServer has agents call the tools of a server that others wrote, over
// both of its transports, and kills it in the middle of a call.
func TestReferenceServer(t *testing.T) {
	t.Parallel()
	program := referenceServer(t)
	t.Run("stdio", func(t *testing.T) {
		t.Parallel()
		pidFile := filepath.Join(t.TempDir(), "pid")
		command := fmt.Sprintf("echo $$ > %s; exec node %s stdio", pidFile, program)
		p := newMCPSite(t, fmt.Sprintf("{command: [sh, -c, %q]}", command))
		checkReferenceServer(t, p, func() {
			text, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			killProcess(t, pid)
		})
	})
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		server := &httpServer{program: program, address: freeAddress(t)}
		server.start(t)
		p := newMCPSite(t, fmt.Sprintf(`{url: "http://%s/mcp"}`, server.address))
		checkReferenceServer(t, p, func() {
			server.kill(t)
			server.start(t)
		})
	})
}

func newMCPSite(t *testing.T, server string) *process {
	t.Helper()
	return newSite(t, config{
		model: openai(newObedient(t).BaseURL()), agents: []string{mcpAgent("agent", server)},
	}).start(t)
}

// checkReferenceServer: what the server says reaches the model, and its death the
// call it was at alone.
func checkReferenceServer(t *testing.T, p *process, kill func()) {
	t.Helper()
	p.run(t, "agent", form{"message": `echo {"message":"hello"}`}).must(t, "Echo: hello")
	p.run(t, "agent", form{"message": sum}).must(t, summed)
	p.run(t, "agent", form{"message": "get-tiny-image {}"}).must(t,
		"Here's the image you requested:\nThe image above is the MCP logo.\n[an image, image/png, 4033 bytes, not shown]")
	wrong := p.run(t, "agent", form{"message": `get-sum {"a":"many"}`})
	if wrong.Status != "COMPLETED" || !strings.Contains(string(wrong.Content), "do not fit") || !wrong.Tools[0].Error {
		t.Errorf("arguments that do not fit are answered %q", wrong.Content)
	}

	s := p.mustStream(t, "agent", form{"message": takesAge})
	s.until(t, "ToolCallStarted")
	kill()
	events := s.rest(t)
	if last := events[len(events)-1]; last.Name != "RunCompleted" || !strings.HasPrefix(last.text(), "The tool failed: the MCP server ") {
		t.Errorf("the run whose server died ends with %s %q", last.Name, last.text())
	}
	p.run(t, "agent", form{"message": sum}).must(t, summed)
}

// httpServer is the reference server behind HTTP.
type httpServer struct {
	program, address string
	cmd              *exec.Cmd
	exited           chan struct{}
}

// start starts the server and waits until it listens.
func (s *httpServer) start(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	// The server's library uses a global that Debian's Node hides.
	cmd := exec.Command("node", "--experimental-global-webcrypto", s.program, "streamableHttp")
	cmd.Env = append(os.Environ(), "PORT="+port)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the MCP server: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // it is killed
	}()
	s.cmd, s.exited = cmd, exited
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	eventually(t, "the MCP server listens", func() bool {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (s *httpServer) kill(t *testing.T) {
	t.Helper()
	killProcess(t, s.cmd.Process.Pid)
	<-s.exited
}

func killProcess(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatalf("kill the MCP server: %v", err)
	}
}

// freeAddress is an address nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
