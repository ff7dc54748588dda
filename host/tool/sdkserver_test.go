package tool_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// endSessions ends, with the test, the sessions that a server was never told to
// end.
func endSessions(t *testing.T, s *mcp.Server) *mcp.Server {
	t.Helper()
	t.Cleanup(func() {
		for session := range s.Sessions() {
			_ = session.Close() // its client is gone
		}
	})
	return s
}

type echoArgs struct {
	Text string `json:"text" jsonschema:"what is said again"`
}

type bigArgs struct {
	Bytes int `json:"bytes"`
}

type noArgs struct{}

// newSDKServer is a server that behaves.
func newSDKServer() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "well", Version: "1"}, &mcp.ServerOptions{PageSize: 3})
	mcp.AddTool(s, &mcp.Tool{Name: "echo", Description: "Says it again."},
		func(_ context.Context, _ *mcp.CallToolRequest, in echoArgs) (*mcp.CallToolResult, any, error) {
			return texts(in.Text, "and "+in.Text), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "big"},
		func(_ context.Context, _ *mcp.CallToolRequest, in bigArgs) (*mcp.CallToolResult, any, error) {
			return texts(strings.Repeat("x", in.Bytes)), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "environment"},
		func(context.Context, *mcp.CallToolRequest, noArgs) (*mcp.CallToolResult, any, error) {
			var names []string
			for _, entry := range os.Environ() {
				name, _, _ := strings.Cut(entry, "=")
				names = append(names, name)
			}
			return texts(strings.Join(names, " ")), nil, nil
		})
	s.AddTool(&mcp.Tool{Name: "structured", InputSchema: map[string]any{"type": "object"}},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{}, StructuredContent: map[string]any{"a": 1}}, nil
		})
	s.AddTool(&mcp.Tool{Name: "fail", InputSchema: map[string]any{"type": "object"}},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			result := texts("no such file")
			result.IsError = true
			return result, nil
		})
	s.AddTool(&mcp.Tool{Name: "mixed", InputSchema: map[string]any{"type": "object"}},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{
				&mcp.ImageContent{MIMEType: "image/png", Data: []byte("12345")},
				&mcp.TextContent{Text: "A picture."},
				&mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: "file:///a", MIMEType: "text/plain", Text: "A file."}},
				&mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: "file:///c", MIMEType: "font/ttf", Blob: []byte("123")}},
				&mcp.ResourceLink{URI: "file:///b", Name: "b"},
				&mcp.AudioContent{MIMEType: "audio/wav", Data: []byte("1")},
			}}, nil
		})
	return s
}

func texts(all ...string) *mcp.CallToolResult {
	result := &mcp.CallToolResult{}
	for _, text := range all {
		result.Content = append(result.Content, &mcp.TextContent{Text: text})
	}
	return result
}
