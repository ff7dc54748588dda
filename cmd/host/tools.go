package main

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// checkTools opens the functions of plugins that the configuration names. What can
// never be opened is an error; a plugin that is not active is a warning: it may
// become so. Servers are asked when a run first needs them.
func (h *parts) checkTools(ctx context.Context, tools host.Toolbox) error {
	for name, refs := range h.toolRefs() {
		_, err := tools.Tools(ctx, refs)
		switch {
		case host.CodeOf(err) == host.CodeUnavailable:
			h.log.Warn("tools are not there yet", "component", name, "error", err)
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// toolRefs are the references to plugins, by whose they are.
func (h *parts) toolRefs() map[string][]host.ToolRef {
	refs := map[string][]host.ToolRef{}
	for i := range h.cfg.Agents {
		addFunctions(refs, "agent "+h.cfg.Agents[i].ID, h.cfg.Agents[i].Tools)
	}
	for i := range h.cfg.Teams {
		addFunctions(refs, "team "+h.cfg.Teams[i].ID, h.cfg.Teams[i].Tools)
	}
	for _, w := range h.cfg.Workflows {
		for _, s := range everyStep(w.Steps) {
			for _, call := range []*host.StepCall{s.Function, s.Decide.Function} {
				if call != nil {
					refs["workflow "+w.ID+", step "+s.Name] = []host.ToolRef{call.Ref()}
				}
			}
		}
	}
	return refs
}

func addFunctions(refs map[string][]host.ToolRef, name string, tools []host.ToolRef) {
	for _, ref := range tools {
		if ref.Plugin != "" {
			refs[name] = append(refs[name], ref)
		}
	}
}

// everyStep lists steps and those inside them.
func everyStep(steps []host.Step) []host.Step {
	var all []host.Step
	for _, s := range steps {
		all = append(append(append(all, s), everyStep(s.Steps)...), everyStep(s.Else)...)
	}
	return all
}
