package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/tool"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// serverEnv makes this binary a server of MCP, of the kind that its value names.
const serverEnv = "SNAPHOOK_TEST_MCP_SERVER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(serverEnv); kind != "" {
		os.Exit(serveKind(kind))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := guesttest.RemoveCache(); err != nil {
			log.Print(err)
			code = 1
		}
		os.Exit(code)
	}))
}

// plenty is a deadline for what should succeed, on a busy machine and with the
// race detector; soon is one that is meant to pass.
const (
	plenty = time.Minute
	soon   = 300 * time.Millisecond
)

// stdio is this binary as a server.
func stdio(t *testing.T, kind string) *host.MCPServer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &host.MCPServer{Command: []string{self}, Env: map[string]string{serverEnv: kind}}
}

// newBox returns a toolbox that is closed with the test.
func newBox(t *testing.T, c tool.Config) *tool.Box {
	t.Helper()
	if c.Plugins == nil {
		c.Plugins, c.Caller = noPlugins{}, noPlugins{}
	}
	if c.Grace == 0 {
		c.Grace = soon
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = plenty
	}
	b, err := tool.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

type noPlugins struct{}

func (noPlugins) ActivePlugin(string) (*host.Plugin, error) {
	return nil, errors.New("there are no plugins")
}

func (noPlugins) CheckConfig(*host.Plugin, json.RawMessage) []host.Problem { return nil }

func (noPlugins) Call(context.Context, host.Call) (host.CallResult, error) {
	return host.CallResult{}, errors.New("there are no plugins")
}

// open returns the tools of references that must be good. Servers may take their time
// to start, whatever the timeout of calls is.
func open(t *testing.T, b *tool.Box, refs ...host.ToolRef) []host.Tool {
	t.Helper()
	for _, ref := range refs {
		ref.Timeout = 0
		if _, err := b.Tools(t.Context(), []host.ToolRef{ref}); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := b.Tools(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

// find returns the tool of that name.
func find(t *testing.T, tools []host.Tool, name string) host.Tool {
	t.Helper()
	i := slices.IndexFunc(tools, func(found host.Tool) bool { return found.Definition().Name == name })
	if i < 0 {
		t.Fatalf("no tool %q among %q", name, names(tools))
	}
	return tools[i]
}

func names(tools []host.Tool) []string {
	all := make([]string, len(tools))
	for i, found := range tools {
		all[i] = found.Definition().Name
	}
	return all
}

// invoke calls a tool with arguments.
func invoke(t *testing.T, found host.Tool, args string) (host.ToolResult, error) {
	t.Helper()
	return found.Call(t.Context(), host.ToolInvocation{ID: "call-1", Args: json.RawMessage(args), Run: &host.Run{
		ID: "run-1", RootID: "run-1", SessionID: "session-1", UserID: "ada", Status: host.RunRunning,
		Component: host.Component{Kind: host.KindAgent, ID: "helper", Name: "Helper"},
	}})
}

// wantResult calls a tool that must answer.
func wantResult(t *testing.T, found host.Tool, args, want string, isError bool) {
	t.Helper()
	got, err := invoke(t, found, args)
	if err != nil || string(got.Value) != want || got.IsError != isError {
		t.Errorf("%s(%s): %s (error: %t), %v; want %s", found.Definition().Name, args, shorten(got.Value), got.IsError, err, want)
	}
}

func shorten(b []byte) []byte { return b[:min(len(b), 300)] }
