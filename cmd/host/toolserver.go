package main

import (
	"context"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// askServers asks the configured servers for their tools, and warns of those that do
// not answer, or not as the configuration wants it: a run would only find out later.
// It returns when all have answered, and when ctx ends.
func (h *parts) askServers(ctx context.Context) {
	var asking sync.WaitGroup
	ask := func(name string, refs []host.ToolRef) {
		for _, ref := range refs {
			if ref.MCP == nil {
				continue
			}
			ref.Timeout = 0 // nobody waits
			asking.Go(func() {
				_, err := h.tools.Tools(ctx, []host.ToolRef{ref})
				if err != nil && ctx.Err() == nil {
					h.log.WarnContext(ctx, "tools are not there yet", "component", name, "error", err)
				}
			})
		}
	}
	for i := range h.cfg.Agents {
		ask("agent "+h.cfg.Agents[i].ID, h.cfg.Agents[i].Tools)
	}
	for i := range h.cfg.Teams {
		ask("team "+h.cfg.Teams[i].ID, h.cfg.Teams[i].Tools)
	}
	asking.Wait()
}
