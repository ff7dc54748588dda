package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// hookRunner runs components for the hooks of one run.
type hookRunner struct {
	*Engine
	runID string
	// depth is that of the run, where it is known; else the snapshot of the call tells.
	depth    int
	known    bool
	snapshot []byte
}

var _ host.Runner = (*hookRunner)(nil)

// RunComponent runs a component for a hook, in the hook's worker.
func (r *hookRunner) RunComponent(ctx context.Context, asked host.ComponentRequest) (host.Run, error) {
	depth, err := r.depthBelow()
	if err != nil {
		return host.Run{}, err
	}
	if depth > host.MaxDepth {
		return host.Run{}, host.Errorf(host.CodeConflict,
			"a run that a hook started may start others, but not %d deep: the limit is %d", depth, host.MaxDepth)
	}
	req := host.RunRequest{
		Component: host.Component{Kind: asked.Component.Kind, ID: asked.Component.ID},
		Input:     asked.Input, OutputSchema: asked.OutputSchema,
	}
	s, err := r.asked(&req)
	if err != nil {
		return host.Run{}, err
	}
	return r.perform(ctx, s, req, lineage{parentID: r.runID, depth: depth})
}

// depthBelow is the depth of the runs that hooks of the run start.
func (r *hookRunner) depthBelow() (int, error) {
	if r.known {
		return r.depth + 1, nil
	}
	var c struct {
		Extensions struct {
			Snaphook struct {
				Run struct {
					Depth int `json:"depth"`
				} `json:"run"`
			} `json:"snaphook"`
		} `json:"extensions"`
	}
	if err := json.Unmarshal(r.snapshot, &c); err != nil {
		return 0, fmt.Errorf("read snapshot: %w", err)
	}
	return c.Extensions.Snaphook.Run.Depth + 1, nil
}

// TrialRunner runs components for hooks that are tried outside any run.
func (e *Engine) TrialRunner() host.Runner { return &hookRunner{Engine: e, known: true} }
