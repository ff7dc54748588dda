package runtime

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

var errNoRun = fmt.Errorf("run: %w", host.ErrNotGranted)

// runComponent waits for the run. The call's deadline goes on meanwhile, and ends
// the run with the call.
func runComponent(ctx context.Context, s host.Services, args [][]byte) ([]byte, bool, error) {
	if s.Runner == nil {
		return nil, false, errNoRun
	}
	req, err := componentRequest(args[0])
	if err != nil {
		return nil, false, err
	}
	run, err := s.Runner.RunComponent(ctx, req)
	if err != nil {
		return nil, false, err
	}
	result, err := json.Marshal(runResult(run))
	return result, err == nil, err
}

func componentRequest(document []byte) (host.ComponentRequest, error) {
	asked, err := pluginapi.ParseRunRequest(document)
	if err != nil {
		return host.ComponentRequest{}, host.Errorf(host.CodeInvalid, "run: %s", err)
	}
	component, err := pluginapi.ParseComponent(asked.Component)
	if err != nil {
		return host.ComponentRequest{}, host.Errorf(host.CodeInvalid, "run: component %s", err)
	}
	return host.ComponentRequest{
		Component: host.BindingScope{Kind: host.ComponentKind(component.Kind), ID: component.ID},
		Input:     asked.Input, OutputSchema: asked.OutputSchema,
	}, nil
}

// runResult is what a guest is told of a run.
func runResult(run host.Run) pluginapi.RunResult {
	result := pluginapi.RunResult{
		RunID: run.ID, SessionID: run.SessionID, Status: string(run.Status),
		Content: run.Content, ContentType: run.ContentType, Model: run.Model, ModelProvider: run.ModelProvider,
	}
	if f := run.Failure; f != nil {
		result.Error = &pluginapi.RunFailure{Type: f.Type, ID: f.ID, Message: f.Message}
	}
	return result
}
