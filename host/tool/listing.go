package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/schema"
)

// What a server may offer.
const (
	maxTools       = 1000
	maxPages       = 100
	maxDescription = 16 << 10 // bytes
	maxName        = 64
)

// listing is a tool as a server tells of it.
type listing struct {
	name        string
	description string
	parameters  json.RawMessage
}

// wordsWait is how much longer than a call its caller waits: the call itself knows best
// why nobody answered it.
const wordsWait = time.Second

// open returns the server's tools as a reference wants them.
func (s *server) open(ctx context.Context, ref host.ToolRef) ([]host.Tool, error) {
	listed, err := s.tools(ctx, ref.Timeout)
	if err != nil {
		return nil, err
	}
	found := make([]host.Tool, len(listed))
	for i, l := range listed {
		found[i] = &remote{server: s, definition: host.ToolDefinition{
			Name: l.name, Description: l.description, Parameters: l.parameters,
			Idempotent: slices.Contains(ref.Idempotent, l.name), // no hint of the server counts
			Timeout:    cmp.Or(ref.Timeout, s.config.Timeout),
			Wait:       wordsWait,
		}}
	}
	return found, nil
}

// tools returns the list as it is now, or as it was when the server is away. It does
// not wait for a server that was never there when the last attempt failed, nor when the
// first one takes longer than limit; 0 leaves that to the attempt.
func (s *server) tools(ctx context.Context, limit time.Duration) ([]listing, error) {
	conn, attempt, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	if attempt != nil {
		if listed := s.known(); listed != nil {
			return listed, nil
		}
		if err := s.away(); err != nil {
			return nil, err
		}
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadlineCause(ctx, attempt.began.Add(limit), s.unavailable(slow(limit)))
			defer cancel()
		}
		if conn, err = s.connect(ctx); err != nil {
			return nil, err
		}
	}
	if conn.stale.Swap(false) {
		s.refresh(ctx, conn, cmp.Or(limit, s.config.ConnectTimeout))
	}
	return s.known(), nil
}

func (s *server) known() []listing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed
}

// refresh lists the tools again, and waits for that no longer than limit. The old list
// stays when it fails.
func (s *server) refresh(ctx context.Context, conn *connection, limit time.Duration) {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan struct{})
	started := s.start(func() {
		defer close(done)
		s.relist(context.WithoutCancel(ctx), conn)
	})
	if !started {
		return
	}
	select {
	case <-done:
	case <-waiting.Done():
	}
}

// relist gives a server up that does not list its tools any more.
func (s *server) relist(ctx context.Context, conn *connection) {
	tied, land := conn.link.begin(ctx)
	defer land()
	limited, cancel := context.WithTimeout(tied, s.config.ConnectTimeout)
	defer cancel()
	list, err := s.list(limited, conn)
	if err != nil {
		conn.stale.Store(true)
		s.log.WarnContext(ctx, "list tools of MCP server again", "err", conceal(s.spec, err.Error()))
		if limited.Err() != nil {
			conn.link.snap(fmt.Errorf("it took longer than %s to list its tools", s.config.ConnectTimeout))
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = list
}

// list asks for all tools.
func (s *server) list(ctx context.Context, conn *connection) ([]listing, error) {
	list := []listing{}
	params := &mcp.ListToolsParams{}
	for range maxPages {
		page, err := conn.session.ListTools(ctx, params)
		if err != nil {
			return nil, fmt.Errorf("list tools: %w", err)
		}
		if len(list)+len(page.Tools) > maxTools {
			return nil, fmt.Errorf("it has more than %d tools", maxTools)
		}
		list = s.take(ctx, list, page.Tools)
		if page.NextCursor == "" {
			return list, nil
		}
		params = &mcp.ListToolsParams{Cursor: page.NextCursor}
	}
	return nil, fmt.Errorf("its list of tools has more than %d pages", maxPages)
}

// take adds the tools that can be used. The others are left out, with a warning.
func (s *server) take(ctx context.Context, list []listing, tools []*mcp.Tool) []listing {
	for _, t := range tools {
		l, err := newListing(t)
		if err == nil && slices.ContainsFunc(list, func(other listing) bool { return other.name == l.name }) {
			err = errors.New("an earlier tool has the same name")
		}
		if err != nil {
			s.log.WarnContext(ctx, "tool of MCP server left out", "tool", cut(t.Name), "err", cut(err.Error()))
			continue
		}
		list = append(list, l)
	}
	return list
}

func newListing(t *mcp.Tool) (listing, error) {
	if !validName(t.Name) {
		return listing{}, fmt.Errorf("a name has letters, digits, - and _, at most %d", maxName)
	}
	parameters, err := json.Marshal(t.InputSchema)
	if err != nil {
		return listing{}, fmt.Errorf("write schema: %w", err)
	}
	if _, err := schema.Compile(parameters); err != nil {
		return listing{}, err
	}
	root, _ := t.InputSchema.(map[string]any)
	if root["type"] != "object" {
		return listing{}, errors.New("its schema is not one of an object")
	}
	description := t.Description
	if len(description) > maxDescription {
		description = description[:maxDescription]
	}
	return listing{name: t.Name, description: validText(description), parameters: parameters}, nil
}

func validName(s string) bool {
	return s != "" && len(s) <= maxName && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}
