package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/cmd/host/config"
	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
)

// checkTools opens the functions of plugins that the configuration names. What can
// never be opened is an error; a plugin that is not active is a warning: it may
// become so. Servers are asked once the host runs.
func (h *parts) checkTools(ctx context.Context, tools host.Toolbox) error {
	for _, user := range toolUsers(h.cfg) {
		_, err := tools.Tools(ctx, user.refs)
		switch {
		case host.CodeOf(err) == host.CodeUnavailable:
			h.log.Warn("tools are not there yet", "component", user.name, "error", err)
		case err != nil:
			return fmt.Errorf("%s: %w", user.name, err)
		}
	}
	return nil
}

// toolUses say who uses which tools of which plugins.
func toolUses(cfg *config.Config) []plugin.ToolUse {
	var uses []plugin.ToolUse
	for _, user := range toolUsers(cfg) {
		for _, ref := range user.refs {
			uses = append(uses, plugin.ToolUse{Plugin: ref.Plugin, Tools: ref.Only, By: user.name})
			if ref.Only == nil && ref.Idempotent != nil { // else they are among those
				uses = append(uses, plugin.ToolUse{Plugin: ref.Plugin, Tools: ref.Idempotent, By: user.name})
			}
		}
	}
	return uses
}

// toolUser is what uses tools of plugins.
type toolUser struct {
	name string
	refs []host.ToolRef
}

// toolUsers are in the order of the file.
func toolUsers(cfg *config.Config) []toolUser {
	var users []toolUser
	for i := range cfg.Agents {
		users = append(users, toolUser{"agent " + cfg.Agents[i].ID, functions(cfg.Agents[i].Tools)})
	}
	for i := range cfg.Teams {
		users = append(users, toolUser{"team " + cfg.Teams[i].ID, functions(cfg.Teams[i].Tools)})
	}
	for _, w := range cfg.Workflows {
		for _, s := range everyStep(w.Steps) {
			for _, call := range []*host.StepCall{s.Function, s.Decide.Function} {
				if call != nil {
					users = append(users, toolUser{"step " + s.Name + " of workflow " + w.ID, []host.ToolRef{call.Ref()}})
				}
			}
		}
	}
	return users
}

// functions are the references to plugins.
func functions(tools []host.ToolRef) []host.ToolRef {
	return slices.DeleteFunc(slices.Clone(tools), func(ref host.ToolRef) bool { return ref.Plugin == "" })
}

// everyStep lists steps and those inside them.
func everyStep(steps []host.Step) []host.Step {
	var all []host.Step
	for _, s := range steps {
		all = append(append(append(all, s), everyStep(s.Steps)...), everyStep(s.Else)...)
	}
	return all
}
