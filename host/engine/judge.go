package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

var (
	_ host.Runner = (*execution)(nil)
	_ host.Runner = (*lateRunner)(nil)
)

// RunComponent runs a component for a hook of the run, in the hook's goroutine.
func (x *execution) RunComponent(ctx context.Context, asked host.ComponentRequest) (host.Run, error) {
	return x.runForHook(ctx, asked, lineage{parentID: x.run.ID, depth: x.run.Depth + 1})
}

// TrialRunner runs components for a hook that is tried outside any run, as deep as
// for one of a client's run.
func (e *Engine) TrialRunner() host.Runner { return &lateRunner{Engine: e, snapshot: []byte(`{}`)} }

// lateRunner runs components for one background call, whose snapshot tells how deep
// its run is.
type lateRunner struct {
	*Engine
	runID    string
	snapshot []byte
}

// RunComponent runs a component in the worker of the call.
func (r *lateRunner) RunComponent(ctx context.Context, asked host.ComponentRequest) (host.Run, error) {
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
		return host.Run{}, fmt.Errorf("read snapshot: %w", err)
	}
	return r.runForHook(ctx, asked, lineage{parentID: r.runID, depth: c.Extensions.Snaphook.Run.Depth + 1})
}

// runForHook makes a run that a hook asked for.
func (e *Engine) runForHook(ctx context.Context, asked host.ComponentRequest, by lineage) (host.Run, error) {
	if by.depth > host.MaxDepth {
		return host.Run{}, host.Errorf(host.CodeConflict,
			"a run that a hook started may start others, but not %d deep: the limit is %d", by.depth, host.MaxDepth)
	}
	req := host.RunRequest{
		Component: host.Component{Kind: asked.Component.Kind, ID: asked.Component.ID},
		Input:     asked.Input, OutputSchema: asked.OutputSchema,
	}
	s, err := e.asked(&req)
	if err != nil {
		return host.Run{}, err
	}
	return e.perform(ctx, s, req, by)
}
