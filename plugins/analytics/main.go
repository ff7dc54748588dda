// Command analytics is a plugin that logs what a run used.
package main

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

//go:wasmexport log_usage
func logUsage() int32 { return snaphook.Run(usage) }

// usage logs the run with its tokens and its duration.
func usage(c *snaphook.Call) (snaphook.Verdict, error) {
	host := c.Extension()
	c.Log.Info("usage run_id=%q agent=%q session_id=%q %s",
		host.Run.ID, c.AgentName(), host.SessionID, describe(host.Run.Metrics))
	return snaphook.Allow(), nil
}

// describe writes the metrics of a run. A blocking hook may be called before
// the host has counted, so there may be none.
func describe(m *pluginapi.Metrics) string {
	if m == nil {
		return "metrics=unknown"
	}
	return fmt.Sprintf("input_tokens=%d output_tokens=%d total_tokens=%d duration=%.3fs",
		m.InputTokens, m.OutputTokens, m.TotalTokens, m.Duration)
}

func main() {}
