package tool

import (
	"net/url"
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// field is what an error of a reference names.
const field = "tools"

// checkRef refuses a reference that makes no sense, whatever its source says.
func checkRef(ref host.ToolRef) error {
	switch {
	case (ref.Plugin == "") == (ref.MCP == nil):
		return host.Invalid(field, "tools come from a plugin or from an MCP server: name exactly one")
	case ref.Timeout < 0:
		return host.Invalid(field, "the timeout of tools must be positive")
	case ref.MCP == nil:
		return nil
	case ref.Config != nil:
		return host.Invalid(field, "an MCP server takes no config: give it env or headers")
	}
	return checkServer(ref.MCP)
}

func checkServer(s *host.MCPServer) error {
	switch {
	case (len(s.Command) == 0) == (s.URL == ""):
		return host.Invalid(field, "an MCP server is reached by a command or at a URL: name exactly one")
	case len(s.Command) > 0 && s.Command[0] == "":
		return host.Invalid(field, "the command of an MCP server is empty")
	case len(s.Command) > 0 && s.Headers != nil:
		return host.Invalid(field, "an MCP server with a command has no headers: give it env")
	case s.URL != "" && s.Env != nil:
		return host.Invalid(field, "an MCP server with a URL has no env: give it headers")
	case s.URL != "" && !validURL(s.URL):
		return host.Invalid(field, "the URL of an MCP server must be one of http or https with a host")
	}
	return nil
}

func validURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// choose returns those of a source's tools that the reference wants.
func choose(source string, found []host.Tool, ref host.ToolRef) ([]host.Tool, error) {
	for _, name := range slices.Concat(ref.Only, ref.Idempotent) {
		if !slices.ContainsFunc(found, named(name)) {
			return nil, host.Errorf(host.CodeConflict, "%s has no tool %q; it has %s", source, cut(name), names(found))
		}
	}
	if ref.Only == nil {
		return found, nil
	}
	return slices.DeleteFunc(found, func(t host.Tool) bool { return !slices.Contains(ref.Only, t.Definition().Name) }), nil
}

func named(name string) func(host.Tool) bool {
	return func(t host.Tool) bool { return t.Definition().Name == name }
}

// maxNames is how many names a message shows.
const maxNames = 20

func names(tools []host.Tool) string {
	if len(tools) == 0 {
		return "none"
	}
	var all []string
	for _, t := range tools[:min(len(tools), maxNames)] {
		all = append(all, t.Definition().Name)
	}
	if len(tools) > maxNames {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// maxShown is how much of a stranger's text a message shows, in bytes.
const maxShown = 300

func cut(s string) string {
	if len(s) <= maxShown {
		return strings.ToValidUTF8(s, "")
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}
