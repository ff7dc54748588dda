package config

import (
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/snaphook-dev/snaphook/host"
)

// The most that can be asked for.
const (
	maxToolCallLimit = 1000
	maxToolTimeout   = time.Hour
)

func (l *loader) tools(n *node) []host.ToolRef {
	var refs []host.ToolRef
	items := l.list(n)
	for _, item := range items {
		ref := l.tool(item)
		if first := slices.IndexFunc(refs, func(r host.ToolRef) bool { return sameTools(r, ref) }); first >= 0 {
			l.problem(item, "repeats tools of line %d: entries of one source must each name their own", items[first].line)
		}
		refs = append(refs, ref)
	}
	return refs
}

// sameTools reports whether both have tools of one source, and some in common.
func sameTools(a, b host.ToolRef) bool {
	if a.Plugin != b.Plugin || !reflect.DeepEqual(a.MCP, b.MCP) || a.Plugin == "" && a.MCP == nil {
		return false
	}
	if a.Only == nil || b.Only == nil {
		return true
	}
	return slices.ContainsFunc(a.Only, func(name string) bool { return slices.Contains(b.Only, name) })
}

func (l *loader) tool(n *node) host.ToolRef {
	var ref host.ToolRef
	m := l.mapping(n)
	switch m.exactlyOne("plugin", "mcp") {
	case "plugin":
		m.read("plugin", func(n *node) { ref.Plugin = l.pluginName(n) })
		m.read("functions", func(n *node) { ref.Only = l.toolNames(n) })
		m.read("config", func(n *node) { ref.Config = l.object(n) })
	case "mcp":
		m.read("mcp", func(n *node) { ref.MCP = l.mcpServer(n) })
		m.read("tools", func(n *node) { ref.Only = l.toolNames(n) })
	default:
		return ref
	}
	m.read("timeout", func(n *node) { ref.Timeout = l.durationUpTo(n, maxToolTimeout) })
	m.read("idempotent", func(n *node) { ref.Idempotent = l.idempotent(n, ref.Only) })
	m.close()
	return ref
}

// toolNames are names of tools, at least one.
func (l *loader) toolNames(n *node) []string {
	var names []string
	for _, item := range l.someOf(n) {
		name := l.text(item)
		switch {
		case item.kind != kindText:
		case name == "":
			l.problem(item, "must not be empty")
		case slices.Contains(names, name):
			l.problem(item, "repeats %s", name)
		default:
			names = append(names, name)
		}
	}
	return names
}

// idempotent are names among those that may be used.
func (l *loader) idempotent(n *node, only []string) []string {
	names := l.toolNames(n)
	for _, name := range names {
		if only != nil && !slices.Contains(only, name) {
			l.problem(n, "%q is not one of %s", name, list(only))
		}
	}
	return names
}

func (l *loader) mcpServer(n *node) *host.MCPServer {
	server := &host.MCPServer{}
	m := l.mapping(n)
	switch m.exactlyOne("command", "url") {
	case "command":
		m.read("command", func(n *node) { server.Command = l.command(n) })
		m.read("env", func(n *node) { server.Env = l.settings(n, variableName, "a variable's name") })
	case "url":
		m.read("url", func(n *node) { server.URL = l.endpoint(n) })
		m.read("headers", func(n *node) { server.Headers = l.settings(n, headerName, "a header's name") })
	default:
		return nil
	}
	m.close()
	return server
}

func (l *loader) command(n *node) []string {
	l.someOf(n)
	command := l.texts(n)
	if len(command) > 0 && command[0] == "" && n.items[0].kind == kindText {
		l.problem(n.items[0], "names no program")
	}
	return command
}

// endpoint is the URL of a server. The problem does not repeat it: it may hold a
// password.
func (l *loader) endpoint(n *node) string {
	text := l.text(n)
	u, err := url.Parse(text)
	if n.kind == kindText && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "") {
		l.problem(n, "must be an http or https URL without user and fragment")
	}
	return text
}

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	headerName   = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// settings are texts by names of that form; no problem repeats a text.
func (l *loader) settings(n *node, form *regexp.Regexp, what string) map[string]string {
	l.is(n, kindMapping)
	values := map[string]string{}
	for _, f := range n.fields {
		if !form.MatchString(f.key) {
			l.problem(f.value, "is not %s", what)
		}
		value := l.text(f.value)
		if strings.ContainsFunc(value, unicode.IsControl) {
			l.problem(f.value, "must be text without line breaks and other control characters")
		}
		values[f.key] = value
	}
	return values
}
