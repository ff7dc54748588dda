package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/tool"
)

// rawHTTP serves MCP by hand: all but calls, which call answers, and streams of the
// server's own, which stream does; nil refuses them.
func rawHTTP(t *testing.T, call func(w http.ResponseWriter, r *http.Request, id json.RawMessage), stream http.HandlerFunc) *host.MCPServer {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &request)
		switch {
		case r.Method == http.MethodGet && stream != nil:
			stream(w, r)
		case r.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case request.Method == "initialize":
			answerJSON(w, request.ID, `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"raw","version":"1"}}`)
		case request.Method == "tools/list":
			answerJSON(w, request.ID, `{"tools":[{"name":"work","inputSchema":{"type":"object"}}]}`)
		case request.Method == "tools/call":
			call(w, r, request.ID)
		case request.Method == "ping":
			answerJSON(w, request.ID, `{}`)
		case request.ID == nil:
			w.WriteHeader(http.StatusAccepted)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return &host.MCPServer{URL: server.URL}
}

func answerJSON(w http.ResponseWriter, id json.RawMessage, result string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result)
}

// An HTTP server that misbehaves costs the call that finds out.
func TestHTTPServerThatBreaks(t *testing.T) {
	t.Parallel()
	const fine = `{"content":[{"type":"text","text":"fine"}]}`
	tests := map[string]struct {
		want string
		call func(w http.ResponseWriter, r *http.Request, id json.RawMessage)
	}{
		"hangs": {"did not answer within", func(_ http.ResponseWriter, r *http.Request, _ json.RawMessage) {
			<-r.Context().Done()
		}},
		"never ends a stream": {"did not answer within", func(w http.ResponseWriter, r *http.Request, _ json.RawMessage) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				fmt.Fprint(w, ": still there\n\n")
				_ = http.NewResponseController(w).Flush()
			}
		}},
		"is busy":   {"Service Unavailable", func(w http.ResponseWriter, _ *http.Request, _ json.RawMessage) { w.WriteHeader(503) }},
		"says HTML": {"unsupported content type", func(w http.ResponseWriter, _ *http.Request, _ json.RawMessage) { fmt.Fprint(w, "<p>hi</p>") }},
		"says garbage": {"failed to decode", func(w http.ResponseWriter, _ *http.Request, _ json.RawMessage) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "{what")
		}},
		"drops the line": {"EOF", func(http.ResponseWriter, *http.Request, json.RawMessage) { panic(http.ErrAbortHandler) }},
		"redirects": {"redirects to another host", func(w http.ResponseWriter, r *http.Request, _ json.RawMessage) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}},
		"says 50 MB": {"more than 8388608 bytes", func(w http.ResponseWriter, _ *http.Request, id json.RawMessage) {
			answerJSON(w, id, `{"content":[{"type":"text","text":"`+strings.Repeat("x", 50<<20)+`"}]}`)
		}},
		"says 50 MB in a stream": {"more than 8388608 bytes", func(w http.ResponseWriter, _ *http.Request, id json.RawMessage) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, `data: {"jsonrpc":"2.0","id":%s,"result":"`, id)
			fmt.Fprint(w, strings.Repeat("x", 50<<20), "\"}\n\n")
		}},
		"fails with 50 MB": {"more than 8388608 bytes", func(w http.ResponseWriter, _ *http.Request, _ json.RawMessage) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, strings.Repeat("x", 50<<20))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			spec := rawHTTP(t, func(w http.ResponseWriter, r *http.Request, id json.RawMessage) {
				if calls.Add(1) == 1 {
					test.call(w, r, id)
					return
				}
				answerJSON(w, id, fine)
			}, nil)
			b := newBox(t, tool.Config{})
			limit := plenty
			if strings.HasPrefix(test.want, "did not") {
				limit = soon
			}
			result, err := invoke(t, open(t, b, host.ToolRef{MCP: spec, Timeout: limit})[0], `{}`)
			if said := fmt.Sprint(err, host.Text(result.Value)); !strings.Contains(said, test.want) || err == nil && !result.IsError {
				t.Errorf("want %q, got %s, %v", test.want, shorten(result.Value), err)
			}
			wantResult(t, open(t, b, host.ToolRef{MCP: spec, Timeout: plenty})[0], `{}`, `"fine"`, false)
		})
	}
}

// A stream of the server's own that never begins does not hold up the tools for
// longer than a connection may take.
func TestStreamThatHangs(t *testing.T) {
	t.Parallel()
	spec := rawHTTP(t, nil, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := newBox(t, tool.Config{ConnectTimeout: soon}).Tools(t.Context(), []host.ToolRef{{MCP: spec}})
	if host.CodeOf(err) != host.CodeUnavailable {
		t.Errorf("error %v", err)
	}
}

// A server that is not there is tried again, whether anybody asks for it or not.
func TestServerThatComes(t *testing.T) {
	t.Parallel()
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return newSDKServer() }, nil)
	asked := make(chan struct{}, 1)
	var there atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !there.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		select {
		case asked <- struct{}{}:
		default:
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	b := newBox(t, tool.Config{})
	refs := []host.ToolRef{{MCP: &host.MCPServer{URL: server.URL}}}
	if _, err := b.Tools(t.Context(), refs); host.CodeOf(err) != host.CodeUnavailable {
		t.Fatalf("a server that is not there: %v", err)
	}
	there.Store(true)
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), plenty)
	defer cancel()
	_, err := b.Tools(ctx, refs)
	for err != nil && ctx.Err() == nil {
		_, err = b.Tools(ctx, refs)
	}
	if err != nil {
		t.Error(err)
	}
}

// Headers go with every request, and neither they nor the rest of what is secret
// goes into errors.
func TestSecretsOfServers(t *testing.T) {
	t.Parallel()
	var without atomic.Int32
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return newSDKServer() }, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sesame" {
			without.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	logs := newLogs()
	b := newBox(t, tool.Config{Log: newLogger(logs)})
	address := strings.Replace(server.URL, "http://", "http://ada:password@", 1) + "/mcp?key=hidden"
	spec := &host.MCPServer{URL: address, Headers: map[string]string{"Authorization": "Bearer sesame"}}
	wantResult(t, find(t, open(t, b, host.ToolRef{MCP: spec}), "echo"), `{"text":"hi"}`, `"hi\nand hi"`, false)
	if without.Load() > 0 {
		t.Errorf("%d requests without the header", without.Load())
	}
	closed := &host.MCPServer{URL: "http://ada:password@127.0.0.1:1/mcp?key=hidden", Headers: map[string]string{"Authorization": "Bearer sesame"}}
	_, err := b.Tools(t.Context(), []host.ToolRef{{MCP: closed}})
	var refused *host.Error
	if !errors.As(err, &refused) || !strings.HasPrefix(refused.Message, "the MCP server http://127.0.0.1:1/mcp is not available: ") {
		t.Fatalf("error %v", err)
	}
	for _, secret := range []string{"password", "hidden", "sesame", "ada"} {
		if strings.Contains(refused.Message+logs.String(), secret) {
			t.Errorf("%q is in %s, or in the log:\n%s", secret, refused.Message, logs)
		}
	}
}

// A server that was started again has forgotten its sessions, and is asked in
// another one.
func TestHTTPServerThatForgets(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusBadRequest} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			checkForgetful(t, status)
		})
	}
}

// checkForgetful is of a server that answers with the status where it has forgotten
// the session.
func checkForgetful(t *testing.T, status int) {
	t.Helper()
	var current atomic.Pointer[mcp.StreamableHTTPHandler]
	restart := func() {
		s := endSessions(t, newSDKServer())
		current.Store(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s },
			&mcp.StreamableHTTPOptions{SessionTimeout: time.Second}))
	}
	restart()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		current.Load().ServeHTTP(&statusWriter{w, status}, r)
	}))
	t.Cleanup(server.Close)
	b := newBox(t, tool.Config{})
	echo := find(t, open(t, b, host.ToolRef{MCP: &host.MCPServer{URL: server.URL}}), "echo")
	for range 2 {
		wantResult(t, echo, `{"text":"hi"}`, `"hi\nand hi"`, false)
		restart()
		wantResult(t, echo, `{"text":"hi"}`, `"hi\nand hi"`, false)
	}
}

// statusWriter writes another status for 404.
type statusWriter struct {
	http.ResponseWriter
	missing int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusNotFound {
		status = w.missing
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// The list is kept when the server is away, and its calls are errors.
func TestServerThatIsAway(t *testing.T) {
	t.Parallel()
	s := endSessions(t, newSDKServer())
	server := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil))
	b := newBox(t, tool.Config{})
	ref := host.ToolRef{MCP: &host.MCPServer{URL: server.URL}}
	before := open(t, b, ref)
	server.CloseClientConnections()
	server.Listener.Close()
	server.CloseClientConnections()
	if diff := cmp.Diff(names(before), names(open(t, b, ref))); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	for range 3 {
		if _, err := invoke(t, find(t, open(t, b, ref), "echo"), `{"text":"hi"}`); host.CodeOf(err) != host.CodeUnavailable {
			t.Errorf("call: %v", err)
		}
	}
	server.CloseClientConnections()
	server.Close()
}
