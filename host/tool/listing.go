package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

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

// open returns the server's tools as a reference wants them.
func (s *server) open(ctx context.Context, ref host.ToolRef) ([]host.Tool, error) {
	listed, err := s.tools(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]host.Tool, len(listed))
	for i, l := range listed {
		found[i] = &remote{server: s, definition: host.ToolDefinition{
			Name: l.name, Description: l.description, Parameters: l.parameters,
			Idempotent: slices.Contains(ref.Idempotent, l.name), // no hint of the server counts
			Timeout:    cmp.Or(ref.Timeout, s.config.Timeout),
		}}
	}
	return found, nil
}

// tools returns the list as it is now, or as it was when the server is away.
func (s *server) tools(ctx context.Context) ([]listing, error) {
	conn, _, err := s.begin(ctx)
	if listed := s.known(); conn == nil && listed != nil && !errors.Is(err, errStopping) {
		return listed, nil
	}
	if conn == nil {
		if conn, err = s.connect(ctx); err != nil {
			return nil, err
		}
	}
	if conn.stale.Swap(false) {
		s.refresh(ctx, conn)
	}
	return s.known(), nil
}

func (s *server) known() []listing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed
}

// refresh lists the tools again. The old list stays when that fails.
func (s *server) refresh(ctx context.Context, conn *connection) {
	tied, land := conn.link.begin(ctx)
	defer land()
	tied, cancel := context.WithTimeout(tied, s.config.ConnectTimeout)
	defer cancel()
	list, err := s.list(tied, conn)
	if err != nil {
		conn.stale.Store(true)
		s.log.WarnContext(ctx, "list tools of MCP server again", "err", conceal(s.spec, err.Error()))
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
