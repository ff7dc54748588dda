package snaphook

import (
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// RunRequest is what a hook asks a component of the host.
type RunRequest struct {
	// Component is [kind:]id, where kind is agent, the default, team or workflow.
	Component string
	// Input is a string, or marshals to a JSON object.
	Input any
	// OutputSchema marshals to a JSON Schema that the content of the run must fit; nil
	// for the component's own.
	OutputSchema any
}

// RunResult is what a run came to. It did not complete unless its status is
// pluginapi.RunCompleted.
type RunResult = pluginapi.RunResult

// RunComponent runs an agent, a team or a workflow of the host in a session of its
// own, and waits for the end. The plugin needs the permission run for it. The
// deadline of the call goes on meanwhile, and cancels the run with the call. A run
// that failed is a result; an error says that nothing ran.
func (c *Call) RunComponent(request RunRequest) (RunResult, error) {
	document, err := request.document()
	if err != nil {
		return RunResult{}, fmt.Errorf("run: write request: %w", err)
	}
	reply, err := c.host.RunComponent(document)
	if err != nil {
		return RunResult{}, fmt.Errorf("run %s: %w", request.Component, err)
	}
	var result RunResult
	if err := json.Unmarshal(reply, &result); err != nil {
		return RunResult{}, fmt.Errorf("run %s: read result: %w", request.Component, err)
	}
	return result, nil
}

func (r RunRequest) document() (json.RawMessage, error) {
	input, err := plainJSON(r.Input)
	if err != nil {
		return nil, err
	}
	request := pluginapi.RunRequest{Component: r.Component, Input: input}
	if r.OutputSchema != nil {
		if request.OutputSchema, err = plainJSON(r.OutputSchema); err != nil {
			return nil, err
		}
	}
	return plainJSON(request)
}
