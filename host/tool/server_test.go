package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/tool"
)

// newHTTPServer serves MCP over streamable HTTP.
func newHTTPServer(t *testing.T, s *mcp.Server, options *mcp.StreamableHTTPOptions) *httptest.Server {
	t.Helper()
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, options)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// A server is the same over its standard streams and over HTTP, with and without
// sessions, with answers as streams and as JSON.
func TestServer(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]*host.MCPServer{
		"stdio":     stdio(t, "sdk"),
		"http":      {URL: newHTTPServer(t, newSDKServer(), nil).URL},
		"json":      {URL: newHTTPServer(t, newSDKServer(), &mcp.StreamableHTTPOptions{JSONResponse: true}).URL},
		"stateless": {URL: newHTTPServer(t, newSDKServer(), &mcp.StreamableHTTPOptions{Stateless: true}).URL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tools := open(t, newBox(t, tool.Config{}), host.ToolRef{MCP: spec})
			want := []string{"big", "echo", "environment", "fail", "mixed", "structured"}
			if diff := cmp.Diff(want, names(tools)); diff != "" {
				t.Fatalf("tools (-want +got):\n%s", diff)
			}
			wantResult(t, find(t, tools, "echo"), `{"text":"hi"}`, `"hi\nand hi"`, false)
			wantResult(t, find(t, tools, "structured"), `{}`, `{"a":1}`, false)
			wantResult(t, find(t, tools, "fail"), `{}`, `"no such file"`, true)
			wantResult(t, find(t, tools, "mixed"), `{}`, `"A picture.\nA file.\n[an image, image/png, 5 bytes, not shown]\n`+
				`[the resource file:///c, font/ttf, 3 bytes, not shown]\n[a link to the resource file:///b]\n`+
				`[audio, audio/wav, 1 bytes, not shown]"`, false)
			wantResult(t, find(t, tools, "big"), `{"bytes":2000000}`, `"the tool's result has more than 1048576 bytes"`, true)
			wantResult(t, find(t, tools, "big"), `{"bytes":3}`, `"xxx"`, false)
			definition := find(t, tools, "echo").Definition()
			if definition.Description != "Says it again." || definition.Timeout != tool.DefaultTimeout || definition.Idempotent ||
				!strings.Contains(string(definition.Parameters), `"what is said again"`) {
				t.Errorf("definition: %+v", definition)
			}
		})
	}
}

// A child sees a few variables of the host and those of its configuration.
func TestEnvironment(t *testing.T) {
	t.Setenv("SNAPHOOK_TEST_SECRET", "a secret of the host")
	tools := open(t, newBox(t, tool.Config{}), host.ToolRef{MCP: stdio(t, "sdk")})
	got, err := invoke(t, find(t, tools, "environment"), `{}`)
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(host.Text(got.Value)) {
		switch name {
		case "PATH", "HOME", "LANG", "TMPDIR", serverEnv:
		default:
			t.Errorf("the child sees %s", name)
		}
	}
}

// Runs share one process; another configuration is another process.
func TestServersAreShared(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	spec := stdio(t, "polite")
	other := stdio(t, "polite")
	other.Env["OTHER"] = "1"
	seen := map[string]bool{}
	var mu sync.Mutex
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			found, err := b.Tools(t.Context(), []host.ToolRef{{MCP: spec}})
			if err != nil {
				t.Error(err)
				return
			}
			got, err := invoke(t, found[0], `{}`)
			if err != nil {
				t.Error(err)
			}
			_, pid, _ := strings.Cut(host.Text(got.Value), " of ")
			mu.Lock()
			defer mu.Unlock()
			seen[pid] = true
		})
	}
	runs.Wait()
	if len(seen) != 1 {
		t.Errorf("%d processes", len(seen))
	}
	got, err := invoke(t, open(t, b, host.ToolRef{MCP: other})[0], `{}`)
	if _, pid, _ := strings.Cut(host.Text(got.Value), " of "); err != nil || seen[pid] {
		t.Errorf("another configuration: process %s of %v, %v", pid, seen, err)
	}
}

func TestChosenTools(t *testing.T) {
	t.Parallel()
	spec := &host.MCPServer{URL: newHTTPServer(t, newSDKServer(), nil).URL}
	b := newBox(t, tool.Config{})
	tools := open(t, b,
		host.ToolRef{MCP: spec, Only: []string{"fail"}},
		host.ToolRef{MCP: spec, Only: []string{"echo"}, Timeout: plenty, Idempotent: []string{"echo"}},
		host.ToolRef{MCP: spec, Only: []string{}})
	if diff := cmp.Diff([]string{"fail", "echo"}, names(tools)); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	if d := tools[1].Definition(); !d.Idempotent || d.Timeout != plenty {
		t.Errorf("definition: %+v", d)
	}
	for want, refs := range map[string][]host.ToolRef{
		`has no tool "grep"; it has big, echo,`:         {{MCP: spec, Only: []string{"grep"}}},
		`has no tool "cat"; it has big, echo,`:          {{MCP: spec, Idempotent: []string{"cat"}}},
		`the tool "big" is offered twice, by the MCP`:   {{MCP: spec}, {MCP: stdio(t, "sdk")}},
		`the tool "echo" is offered twice, by the MCP `: {{MCP: spec, Only: []string{"echo"}}, {MCP: spec, Only: []string{"echo"}}},
	} {
		if _, err := b.Tools(t.Context(), refs); host.CodeOf(err) != host.CodeConflict || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestReferencesAreChecked(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	for want, ref := range map[string]host.ToolRef{
		"name exactly one":      {},
		"from a plugin or from": {Plugin: "a", MCP: &host.MCPServer{URL: "http://x"}},
		"timeout of tools":      {Plugin: "a", Timeout: -1},
		"takes no config":       {MCP: &host.MCPServer{URL: "http://x"}, Config: json.RawMessage(`{}`)},
		"command or at a URL":   {MCP: &host.MCPServer{}},
		"at a URL: name":        {MCP: &host.MCPServer{URL: "http://x", Command: []string{"x"}}},
		"command of an MCP":     {MCP: &host.MCPServer{Command: []string{""}}},
		"has no headers":        {MCP: &host.MCPServer{Command: []string{"x"}, Headers: map[string]string{"a": "b"}}},
		"has no env":            {MCP: &host.MCPServer{URL: "http://x", Env: map[string]string{"a": "b"}}},
		"http or https":         {MCP: &host.MCPServer{URL: "ftp://x"}},
	} {
		if _, err := b.Tools(t.Context(), []host.ToolRef{ref}); host.CodeOf(err) != host.CodeInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := tool.New(tool.Config{}); err == nil {
		t.Error("a box without plugins")
	}
}

// After the end nothing is opened or called any more.
func TestClose(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	found := open(t, b, host.ToolRef{MCP: stdio(t, "polite")})
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Tools(t.Context(), []host.ToolRef{{MCP: stdio(t, "polite")}}); host.CodeOf(err) != host.CodeUnavailable {
		t.Errorf("open: %v", err)
	}
	if _, err := invoke(t, found[0], `{}`); host.CodeOf(err) != host.CodeUnavailable {
		t.Errorf("call: %v", err)
	}
}

// A process that neither ends nor hears is killed, and so is what it started.
func TestCloseKills(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{Grace: plenty})
	found := open(t, b, host.ToolRef{MCP: stdio(t, "stubborn")})
	got, err := invoke(t, found[0], `{}`)
	if err != nil {
		t.Fatal(err)
	}
	_, pid, _ := strings.Cut(host.Text(got.Value), " of ")
	process := findProcess(t, pid)
	if err := process.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("process %s: %v", pid, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Close(ended); err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("after the end: process %s: %v", pid, err)
	}
}

func findProcess(t *testing.T, pid string) *os.Process {
	t.Helper()
	id, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(id)
	if err != nil {
		t.Fatal(err)
	}
	return process
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	_, err := b.Tools(t.Context(), []host.ToolRef{{MCP: &host.MCPServer{Command: []string{"/no/such/program", "serve", "--key=secret"}}}})
	var refused *host.Error
	if !errors.As(err, &refused) || refused.Code != host.CodeUnavailable || !strings.Contains(err.Error(), "no such file") ||
		!strings.HasPrefix(refused.Message, "the MCP server /no/such/program serve … is not available: ") {
		t.Errorf("error %v", err)
	}
}
