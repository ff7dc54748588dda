package plugin

import (
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// ToolUse says that something of the configuration uses tools of a plugin.
type ToolUse struct {
	// Plugin is the plugin's name.
	Plugin string
	// Tools are the names that are used; nil for all that there are.
	Tools []string
	// By is who uses them, such as "agent support".
	By string
}

// lackingTools are the tools that are used and the version does not have.
func (r *Registry) lackingTools(m pluginapi.Manifest) []host.Problem {
	return r.toolUsers(m.Name, func(tool string) bool {
		if tool == "" {
			return len(m.Tools) == 0
		}
		return !slices.ContainsFunc(m.Tools, func(t pluginapi.ToolFunction) bool { return t.Name == tool })
	})
}

// every takes all tools.
func every(string) bool { return true }

// toolUsers lists who uses those tools of a plugin; the name is empty for who uses
// all that there are.
func (r *Registry) toolUsers(plugin string, those func(tool string) bool) []host.Problem {
	var users []host.Problem
	for _, use := range r.toolUses {
		if use.Plugin != plugin {
			continue
		}
		if use.Tools == nil && those("") {
			users = append(users, host.Problem{Message: use.By + " uses its tools"})
		}
		for _, tool := range use.Tools {
			if those(tool) {
				users = append(users, host.Problem{Message: fmt.Sprintf("%s calls its function %s", use.By, tool)})
			}
		}
	}
	return users
}

func toolNames(m pluginapi.Manifest) string {
	return namesOf(m.Tools, func(t pluginapi.ToolFunction) string { return t.Name })
}
