package tool_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/tool"
)

// A server whose tools could never be listed is named, with the cause.
func TestServerThatNeverListed(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"die-at-start":     "(the process ended: exit status 3)",
		"garbage-at-start": "invalid character 'W'",
		"hang-at-start":    "it took longer than 1s to start and to list its tools",
		"many":             "it has more than 1000 tools",
		"pages":            "its list of tools has more than 100 pages",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			limit := plenty
			if kind == "hang-at-start" {
				limit = 1e9
			}
			_, err := newBox(t, tool.Config{ConnectTimeout: limit}).Tools(t.Context(), []host.ToolRef{{MCP: stdio(t, kind)}})
			if host.CodeOf(err) != host.CodeUnavailable || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "the MCP server /") {
				t.Errorf("want %q, got %v", want, err)
			}
		})
	}
}

// Who does not wait for a server any more leaves; the others go on waiting.
func TestWaitForAServerThatHangs(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	gone := errors.New("the client has gone")
	ctx, cancel := context.WithTimeoutCause(t.Context(), soon, gone)
	defer cancel()
	if _, err := b.Tools(ctx, []host.ToolRef{{MCP: stdio(t, "hang-at-start")}}); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}

// A server that breaks at a call costs that call; the next one finds it started
// again, and its tools are known all the time.
func TestServerThatBreaks(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"die":     "(the process ended: exit status 3)",
		"garbage": "invalid character 'w'",
		"flood":   "it sends more than anybody reads",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			// With the grace a flood is found before the server is given up as silent.
			b := newBox(t, tool.Config{Grace: plenty})
			ref := host.ToolRef{MCP: stdio(t, kind), Timeout: plenty}
			for range 3 { // the third time waits until the server is started again
				_, err := invoke(t, open(t, b, ref)[0], `{}`)
				if host.CodeOf(err) != host.CodeUnavailable || !strings.Contains(err.Error(), "the MCP server /") {
					t.Errorf("call: %v", err)
				}
			}
			ref.Timeout = time.Millisecond // which no server is started in
			ctx, cancel := context.WithTimeout(t.Context(), plenty)
			defer cancel()
			var err error
			for err == nil || !strings.Contains(err.Error(), want) && ctx.Err() == nil {
				_, err = invoke(t, open(t, b, ref)[0], `{}`)
			}
			if host.CodeOf(err) != host.CodeUnavailable || !strings.Contains(err.Error(), want) {
				t.Errorf("a server that keeps breaking: want %q, got %v", want, err)
			}
		})
	}
}

// A call waits until a server that died is started again.
func TestServerThatDied(t *testing.T) {
	t.Parallel()
	found := open(t, newBox(t, tool.Config{}), host.ToolRef{MCP: stdio(t, "mortal"), Timeout: plenty})
	for range 3 {
		if _, err := invoke(t, found[0], `{"die":true}`); host.CodeOf(err) != host.CodeUnavailable {
			t.Errorf("a call that kills the server: %v", err)
		}
	}
	if got, err := invoke(t, found[0], `{}`); err != nil || !strings.HasPrefix(host.Text(got.Value), "call 1 of ") {
		t.Errorf("the call after it: %s, %v", got.Value, err)
	}
}

// Nobody waits twice for a server that was never there.
func TestServerThatHungIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{ConnectTimeout: soon})
	refs := []host.ToolRef{{MCP: stdio(t, "hang-at-start")}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), gone} { // who does not wait does not see that it has gone
		if _, err := b.Tools(ctx, refs); host.CodeOf(err) != host.CodeUnavailable || !strings.Contains(err.Error(), "longer than 300ms") {
			t.Errorf("error %v", err)
		}
	}
}

// The timeout of a reference bounds how long a run waits for the server, too.
func TestTimeoutOfAServerThatHangs(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	_, err := b.Tools(t.Context(), []host.ToolRef{{MCP: stdio(t, "hang-at-start"), Timeout: soon}})
	if host.CodeOf(err) != host.CodeUnavailable || !strings.Contains(err.Error(), "longer than 300ms to start") {
		t.Errorf("error %v", err)
	}
}

// A server that does not list its changed tools is started again, and the old ones
// stay.
func TestServerThatHangsAtItsList(t *testing.T) {
	t.Parallel()
	logs := newLogs()
	b := newBox(t, tool.Config{ConnectTimeout: 3 * time.Second, Log: newLogger(logs)})
	ref := host.ToolRef{MCP: stdio(t, "hang-at-list")}
	if _, err := invoke(t, open(t, b, ref)[0], `{}`); err != nil {
		t.Fatal(err)
	}
	ref.Timeout = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), plenty)
	defer cancel()
	for !strings.Contains(logs.String(), "connection to MCP server lost") && ctx.Err() == nil {
		if tools, err := b.Tools(t.Context(), []host.ToolRef{ref}); err != nil || len(tools) != 1 {
			t.Fatalf("tools %q: %v", names(tools), err)
		}
	}
	logs.waitFor(t, "it took longer than 3s to list its tools")
}

func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	found := open(t, b, host.ToolRef{MCP: stdio(t, "huge"), Timeout: plenty})
	wantResult(t, found[0], `{}`, `"the server of the tool failed: it sent a message of more than 8388608 bytes"`, true)
}

// A call has its deadline, and its run another one.
func TestCallThatHangs(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	for _, kind := range []string{"slow", "hang"} {
		found := open(t, b, host.ToolRef{MCP: stdio(t, kind), Timeout: soon})
		_, err := invoke(t, found[0], `{}`)
		if host.CodeOf(err) != host.CodeUnavailable || !strings.Contains(err.Error(), "the tool work did not answer within 300ms") {
			t.Errorf("%s: %v", kind, err)
		}
		def := found[0].Definition()
		own, cancel := context.WithTimeout(t.Context(), def.Timeout+def.Wait)
		defer cancel()
		_, err = found[0].Call(own, host.ToolInvocation{ID: "1", Args: []byte(`{}`), Run: &host.Run{}})
		if host.CodeOf(err) != host.CodeUnavailable {
			t.Errorf("%s, for a caller with a deadline: %v", kind, err)
		}
	}
	found := open(t, b, host.ToolRef{MCP: stdio(t, "slow"), Timeout: plenty})
	gone := errors.New("the run was cancelled")
	ctx, cancel := context.WithTimeoutCause(t.Context(), soon, gone)
	defer cancel()
	_, err := found[0].Call(ctx, host.ToolInvocation{ID: "1", Args: []byte(`{}`), Run: &host.Run{}})
	if !errors.Is(err, gone) {
		t.Errorf("a call whose run ends: %v", err)
	}
}

// A server that answers nothing any more is started again.
func TestServerThatHangsIsStartedAgain(t *testing.T) {
	t.Parallel()
	logs := newLogs()
	b := newBox(t, tool.Config{Log: newLogger(logs)})
	found := open(t, b, host.ToolRef{MCP: stdio(t, "hang"), Timeout: soon})
	if _, err := invoke(t, found[0], `{}`); err == nil {
		t.Fatal("it answered")
	}
	logs.waitFor(t, "it answers nothing any more")
}

func TestListChanged(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	ref := host.ToolRef{MCP: stdio(t, "changing")}
	found := open(t, b, ref)
	if diff := cmp.Diff([]string{"work"}, names(found)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if _, err := invoke(t, found[0], `{}`); err != nil {
		t.Fatal(err)
	}
	// The notice came before the answer of the call, but it is handled beside it.
	deadline, cancel := context.WithTimeout(t.Context(), plenty)
	defer cancel()
	for len(found) == 1 && deadline.Err() == nil {
		found = open(t, b, ref)
	}
	if diff := cmp.Diff([]string{"work", "more"}, names(found)); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

// Tools that cannot be offered are left out with a warning; hints count nothing.
func TestOddTools(t *testing.T) {
	t.Parallel()
	logs := newLogs()
	b := newBox(t, tool.Config{Log: newLogger(logs)})
	found := open(t, b, host.ToolRef{MCP: stdio(t, "odd")})
	if len(found) != 1 || found[0].Definition().Name != "work" || found[0].Definition().Idempotent || found[0].Definition().Description != "Good." {
		t.Fatalf("tools: %q", names(found))
	}
	if warnings := strings.Count(logs.String(), "tool of MCP server left out"); warnings != 7 {
		t.Errorf("%d warnings:\n%s", warnings, logs)
	}
}

func TestRefusedCall(t *testing.T) {
	t.Parallel()
	b := newBox(t, tool.Config{})
	wantResult(t, open(t, b, host.ToolRef{MCP: stdio(t, "refuse")})[0], `{}`, `"not these arguments"`, true)
	found := open(t, b, host.ToolRef{MCP: stdio(t, "shapeless")})
	if _, err := invoke(t, found[0], `{}`); err == nil {
		t.Error("content of no kind is a result")
	}
}

// logs is what is logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newLogger(l *logs) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func newLogs() *logs { return &logs{more: make(chan struct{}, 1)} }

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) waitFor(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), plenty)
	defer cancel()
	for !strings.Contains(l.String(), text) {
		select {
		case <-l.more:
		case <-ctx.Done():
			t.Fatalf("never logged %q:\n%s", text, l)
		}
	}
}
