package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// What a server may send: bytes in one message, and bytes and messages of its own
// within a window.
const (
	maxMessage  = 8 << 20
	window      = 10 * time.Second
	maxBytes    = 256 << 20
	maxMessages = 5000
)

var (
	errTooLarge = fmt.Errorf("it sent a message of more than %d bytes", maxMessage)
	errFlood    = errors.New("it sends more than anybody reads")
)

// bounded breaks the link when a message is too large, or too much comes at once. A
// message is a line, or all there is.
type bounded struct {
	io.Reader
	lines bool
	snap  func(error)

	message int
	all     rate
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.message += n
	if end := bytes.LastIndexByte(p[:n], '\n'); b.lines && end >= 0 {
		b.message = n - end - 1
	}
	switch {
	case b.message > maxMessage:
		err = errTooLarge
	case b.all.over(n, maxBytes):
		err = errFlood
	default:
		return n, err
	}
	b.snap(err)
	return 0, err
}

// rate counts what comes within a window. It is for one goroutine at a time.
type rate struct {
	since time.Time
	seen  int
}

// over counts n more and reports whether that is too much.
func (r *rate) over(n, most int) bool {
	if now := time.Now(); now.Sub(r.since) > window {
		r.since, r.seen = now, 0
	}
	r.seen += n
	return r.seen > most
}

// floodGate breaks the link of a server that sends requests and notifications
// without end: they are queued before they are handled.
func floodGate(l link) mcp.Middleware {
	var mu sync.Mutex
	var all rate
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			mu.Lock()
			over := all.over(1, maxMessages)
			mu.Unlock()
			if over {
				l.snap(errFlood)
			}
			return next(ctx, method, req)
		}
	}
}

// stderrLog logs the lines that a server writes to its standard error. It is for
// one goroutine at a time.
type stderrLog struct {
	log  *slog.Logger
	line []byte
	all  rate
}

// What is logged of a server's standard error.
const (
	maxLine  = 1 << 10 // bytes of a line
	maxLines = 1000    // within a window
)

// Write never fails: a server does not wait for a reader.
func (s *stderrLog) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		s.line = append(s.line, line[:min(len(line), maxLine-len(s.line))]...)
		if ended {
			s.flush()
		}
		rest = after
	}
	return len(p), nil
}

func (s *stderrLog) flush() {
	if text := string(bytes.ToValidUTF8(s.line, nil)); text != "" && !s.all.over(1, maxLines) {
		s.log.Debug("MCP server logged", "line", text)
	}
	s.line = s.line[:0]
}
