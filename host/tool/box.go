package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Defaults of a Config.
const (
	DefaultTimeout        = time.Minute
	DefaultConnectTimeout = 30 * time.Second
	DefaultGrace          = 2 * time.Second
)

// Plugins knows the plugins of the host. It is safe for concurrent use.
type Plugins interface {
	// ActivePlugin returns the version of a plugin that is called now; the error is a
	// *host.Error that names the plugin.
	ActivePlugin(name string) (*host.Plugin, error)
	// CheckConfig returns what is wrong with a configuration, an object or nil.
	CheckConfig(p *host.Plugin, config json.RawMessage) []host.Problem
}

// Config is what a Box needs.
type Config struct {
	// Plugins and Caller are required; plugin.Registry is both.
	Plugins Plugins
	Caller  host.Caller
	// Name and Version are how servers are told who asks; they default to snaphook
	// and 0.0.0.
	Name    string
	Version string
	// Timeout bounds calls of tools that say nothing about it; DefaultTimeout.
	Timeout time.Duration
	// ConnectTimeout bounds how long a server may take to start and to list its
	// tools; DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Grace is how long a server has to end by itself, and again once it was told
	// to, before it is killed; DefaultGrace.
	Grace time.Duration
	// Log gets what an operator should know; nil discards it.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "snaphook"
	}
	if c.Version == "" {
		c.Version = "0.0.0"
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Plugins == nil || c.Caller == nil:
		return errors.New("plugins and caller are required")
	case c.Timeout < 0 || c.ConnectTimeout < 0 || c.Grace < 0:
		return errors.New("times must be positive")
	}
	return nil
}

// Box opens tools. The runs of a host share its connections to servers, of which
// there is one for each that is configured in the same way. It is safe for
// concurrent use.
type Box struct {
	config  Config
	configs configs

	mu      sync.Mutex
	servers map[string]*server
	closed  bool
}

var _ host.Toolbox = (*Box)(nil)

// New checks the configuration. Nothing is connected before it is needed.
func New(c Config) (*Box, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("new toolbox: %w", err)
	}
	return &Box{config: c, configs: configs{checked: map[string]checkedConfig{}}, servers: map[string]*server{}}, nil
}

// Tools implements host.Toolbox. A reference that makes no sense is CodeInvalid; a
// tool that is named and does not exist, one with a name of the host's own, and a
// configuration that its plugin does not take, are CodeConflict. The first call that
// needs a server waits until its tools are listed. Later ones get the list as it was
// last seen when the server is away.
func (b *Box) Tools(ctx context.Context, refs []host.ToolRef) ([]host.Tool, error) {
	var tools []host.Tool
	sources := map[string]string{}
	for _, ref := range refs {
		if err := checkRef(ref); err != nil {
			return nil, err
		}
		source, found, err := b.open(ctx, ref)
		if err != nil {
			return nil, err
		}
		chosen, err := choose(source, found, ref)
		if err != nil {
			return nil, err
		}
		for _, tool := range chosen {
			name := tool.Definition().Name
			if name == host.DelegateToMember || name == host.DelegateToMembers {
				return nil, host.Errorf(host.CodeConflict, "%s offers a tool %q: leaders of teams give tasks with it, no other tool has that name", source, name)
			}
			if first, used := sources[name]; used {
				return nil, host.Errorf(host.CodeConflict, "the tool %q is offered twice, by %s and by %s", name, first, source)
			}
			sources[name] = source
			tools = append(tools, tool)
		}
	}
	return tools, nil
}

// open returns all tools of one reference, and how to call their source.
func (b *Box) open(ctx context.Context, ref host.ToolRef) (source string, found []host.Tool, err error) {
	if ref.Plugin != "" {
		found, err = b.functions(ref)
		return fmt.Sprintf("the plugin %q", ref.Plugin), found, err
	}
	s, err := b.server(ref.MCP)
	if err != nil {
		return "", nil, err
	}
	found, err = s.open(ctx, ref)
	return s.String(), found, err
}

// server returns the one server with this configuration.
func (b *Box) server(spec *host.MCPServer) (*server, error) {
	key, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("identify MCP server: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errStopping
	}
	s, ok := b.servers[string(key)]
	if !ok {
		s = newServer(*spec, b.config)
		b.servers[string(key)] = s
	}
	return s, nil
}

var errStopping = host.Errorf(host.CodeUnavailable, "the host is stopping")

// Close ends all connections and the processes of all servers. What is still
// called fails. A server that has not ended when ctx does is killed. It may be
// called again.
func (b *Box) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	servers := b.servers
	b.mu.Unlock()
	var closing sync.WaitGroup
	for _, s := range servers {
		closing.Go(func() { s.close(ctx) })
	}
	closing.Wait()
	return nil
}
