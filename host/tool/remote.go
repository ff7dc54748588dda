package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/snaphook-dev/snaphook/host"
)

// remote is a tool of an MCP server.
type remote struct {
	definition host.ToolDefinition
	server     *server
}

var _ host.Tool = (*remote)(nil)

// Definition implements host.Tool.
func (r *remote) Definition() host.ToolDefinition { return r.definition }

// Call implements host.Tool.
func (r *remote) Call(ctx context.Context, call host.ToolInvocation) (host.ToolResult, error) {
	late := host.Errorf(host.CodeUnavailable, "the tool %s did not answer within %s", r.definition.Name, r.definition.Timeout)
	limited, cancel := context.WithTimeoutCause(ctx, r.definition.Timeout, late)
	defer cancel()
	conn, result, err := r.ask(limited, &mcp.CallToolParams{Name: r.definition.Name, Arguments: call.Args})
	var refused *jsonrpc.Error
	switch {
	case err == nil:
		return toolResult(result), nil
	case limited.Err() != nil && ctx.Err() == nil && conn == nil: // it waited for a connection
		return host.ToolResult{}, fmt.Errorf("call %s: %w", r.definition.Name, cmp.Or(r.server.away(), error(late)))
	case limited.Err() != nil:
		if process, is := processOf(conn); is && ctx.Err() == nil {
			r.server.start(func() { r.server.probe(context.WithoutCancel(ctx), conn.session, process) })
		}
		return host.ToolResult{}, fmt.Errorf("call %s: %w", r.definition.Name, context.Cause(limited))
	case said(err, &refused):
		return host.ToolFailure(cut(refused.Message)), nil
	case conn != nil && errors.Is(conn.link.cause(), errTooLarge):
		return host.ToolFailure("the server of the tool failed: " + errTooLarge.Error()), nil
	}
	return host.ToolResult{}, fmt.Errorf("call %s: %w", r.definition.Name, err)
}

// ask calls the tool. A call that was surely not made, for the connection had ended
// or the server had forgotten it, is made once more on another one.
func (r *remote) ask(ctx context.Context, params *mcp.CallToolParams) (*connection, *mcp.CallToolResult, error) {
	for again := true; ; again = false {
		conn, err := r.server.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		result, err := r.server.call(ctx, conn, params)
		if !again || !errors.Is(err, errNotMade) {
			return conn, result, err
		}
		r.server.lose(conn)
	}
}

// errNotMade is wrapped by the error of a call that never came to the server.
var errNotMade = errors.New("the call was not made")

// call makes one call. It returns when ctx ends, whatever the connection does.
func (s *server) call(ctx context.Context, conn *connection, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	type answer struct {
		result *mcp.CallToolResult
		err    error
	}
	answers := make(chan answer, 1)
	started := s.start(func() {
		result, err := conn.call(ctx, params)
		answers <- answer{result, s.failure(conn, err)}
	})
	if !started {
		return nil, errStopping
	}
	select {
	case a := <-answers:
		return a.result, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// failure is the error of a call that was not answered. What the server says
// against a call stays as it is.
func (s *server) failure(conn *connection, err error) error {
	var refused *jsonrpc.Error
	if err == nil || said(err, &refused) {
		return err
	}
	if errors.Is(err, errNotMade) {
		return fmt.Errorf("%w: %w", errNotMade, s.unavailable(err))
	}
	if cause := conn.link.cause(); cause != nil {
		err = cause
	}
	return s.unavailable(err)
}

// codeRejected is the code of the SDK's own error for what could not be sent.
const codeRejected = -32005

// said finds what the server itself says against a call.
func said(err error, refused **jsonrpc.Error) bool {
	return errors.As(err, refused) && (*refused).Code != codeRejected
}

// call makes one call on this connection.
func (c *connection) call(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	if cause := c.link.cause(); cause != nil {
		return nil, fmt.Errorf("%w: %w", errNotMade, cause)
	}
	missing := new(atomic.Bool)
	tied, land := c.link.begin(context.WithValue(ctx, missingKey{}, missing))
	defer land()
	result, err := c.session.CallTool(tied, params)
	if err != nil && (missing.Load() || errors.Is(err, mcp.ErrConnectionClosed)) {
		err = fmt.Errorf("%w: %w", errNotMade, err)
	}
	return result, err
}

// probe gives a server up that answers nothing any more, after a call of it has
// timed out.
func (s *server) probe(ctx context.Context, session *mcp.ClientSession, process link) {
	tied, land := process.begin(ctx)
	defer land()
	limited, cancel := context.WithTimeout(tied, s.config.Grace)
	defer cancel()
	if err := session.Ping(limited, nil); errors.Is(err, context.DeadlineExceeded) {
		process.snap(errors.New("it answers nothing any more"))
	}
}

// processOf returns the link of a connection, if there is one and it is a process:
// requests over HTTP do not hang one another.
func processOf(conn *connection) (*process, bool) {
	if conn == nil {
		return nil, false
	}
	p, is := conn.link.(*process)
	return p, is
}

// toolResult is what a model is told of an answer: its texts, a note for each
// content that is no text, or else the structured content.
func toolResult(r *mcp.CallToolResult) host.ToolResult {
	var texts, notes []string
	for _, c := range r.Content {
		if text, ok := textOf(c); ok {
			texts = append(texts, validText(text))
		} else {
			notes = append(notes, note(c))
		}
	}
	value := host.TextContent(strings.Join(append(texts, notes...), "\n"))
	if structured, err := json.Marshal(r.StructuredContent); len(texts) == 0 && r.StructuredContent != nil && err == nil {
		value = structured
	}
	result := host.BoundedToolResult(value)
	result.IsError = result.IsError || r.IsError
	return result
}

// textOf is the text of a content, which may be a file's: many servers answer so.
func textOf(c mcp.Content) (string, bool) {
	switch c := c.(type) {
	case *mcp.TextContent:
		return c.Text, true
	case *mcp.EmbeddedResource:
		text := embedded(c.Resource).Text
		return text, text != ""
	}
	return "", false
}

// note stands for what a model is not shown.
func note(c mcp.Content) string {
	switch c := c.(type) {
	case *mcp.ImageContent:
		return fmt.Sprintf("[an image, %s, %d bytes, not shown]", cut(c.MIMEType), len(c.Data))
	case *mcp.AudioContent:
		return fmt.Sprintf("[audio, %s, %d bytes, not shown]", cut(c.MIMEType), len(c.Data))
	case *mcp.ResourceLink:
		return fmt.Sprintf("[a link to the resource %s]", cut(c.URI))
	case *mcp.EmbeddedResource:
		r := embedded(c.Resource)
		return fmt.Sprintf("[the resource %s, %s, %d bytes, not shown]", cut(r.URI), cut(r.MIMEType), len(r.Blob))
	}
	return "[content of another kind, not shown]"
}

// embedded is the resource in a content, an empty one where a server left it out.
func embedded(r *mcp.ResourceContents) mcp.ResourceContents {
	if r == nil {
		return mcp.ResourceContents{}
	}
	return *r
}

func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
