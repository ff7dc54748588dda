package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// runToolTest calls a tool on stubs and returns what is wrong with what came, or
// nothing.
func runToolTest(ctx context.Context, caller moduleCaller, t pluginapi.Test) (string, error) {
	p := caller.plugin
	f, _ := p.Tool(t.Tool)
	input, err := toolTestInput(t)
	if err != nil {
		return "", fmt.Errorf("write input: %w", err)
	}
	stubs := newStubbed(p, stubsOf(t))
	called, err := caller.Call(ctx, host.Call{
		Export: f.Export, Input: input, Config: t.Config, Timeout: time.Duration(f.Timeout),
		Mode: pluginapi.ModeBlocking, Tool: true, Services: stubs.services(p),
	})
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	result, err := host.FunctionResult(called.Output, err)
	failure := host.CallErrorOf(err)
	if failure != nil && failure.Code == host.CallUnavailable {
		return "", fmt.Errorf("call the tool: %w", failure) // nobody was asked
	}
	wrong := judgeTool(t.Want, result, failure)
	if wrong == "" {
		return "", nil
	}
	return wrong + missed(stubs) + logged(called.Logs), nil
}

// toolTestInput is what a tool gets in a test.
func toolTestInput(t pluginapi.Test) ([]byte, error) {
	const id = "test"
	kind := string(host.KindAgent)
	return json.Marshal(pluginapi.ToolInput{
		Tool: t.Tool, CallID: id, Arguments: t.Arguments, Config: t.Config, SessionID: id,
		Run:       pluginapi.Run{ID: id, RootID: id, Kind: kind, Status: string(host.RunRunning)},
		Component: pluginapi.Component{Kind: kind, ID: id},
	})
}

// judgeTool compares what a tool came to with what was wanted. A tool that broke
// is never what was wanted.
func judgeTool(wanted json.RawMessage, got host.ToolResult, failure *host.CallError) string {
	if failure != nil {
		return fmt.Sprintf("want %s, but the tool failed: %s", shown(wanted), failure)
	}
	var want struct {
		Result json.RawMessage `json:"result"`
		Error  string          `json:"error"`
	}
	_ = json.Unmarshal(wanted, &want) // Validate has seen it
	switch text := host.Text(got.Value); {
	case want.Error == "" && got.IsError:
		return fmt.Sprintf("want the result %s, but the tool says: %s", shown(want.Result), cut(text))
	case want.Error == "":
		return differs(want.Result, got.Value)
	case !got.IsError:
		return fmt.Sprintf("want the error %q, got the result %s", cut(want.Error), shown(got.Value))
	case !strings.Contains(text, want.Error):
		return fmt.Sprintf("want an error with %q, got %q", cut(want.Error), cut(text))
	}
	return ""
}

// differs says how a result differs from what was wanted, or nothing.
func differs(want, got json.RawMessage) string {
	at := differences(want, got)
	if len(at) == 0 {
		return ""
	}
	wrong := fmt.Sprintf("want the result %s, got %s", shown(want), shown(got))
	if at[0] != "" {
		wrong += "; they differ in " + cutList(at)
	}
	return wrong
}
