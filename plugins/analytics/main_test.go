package main

import (
	"testing"

	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	const who = `usage run_id="run-1" agent="TestAgent" session_id="session-1" `
	for name, tc := range map[string]struct {
		metrics *pluginapi.Metrics
		want    string
	}{
		"counted": {
			&pluginapi.Metrics{InputTokens: 12, OutputTokens: 30, TotalTokens: 42, Duration: 1.2345},
			who + "input_tokens=12 output_tokens=30 total_tokens=42 duration=1.234s",
		},
		"not counted yet": {nil, who + "metrics=unknown"},
	} {
		context := snaphooktest.Output("an answer")
		context.Extensions.Snaphook.Run.Metrics = tc.metrics
		var host snaphooktest.Host
		verdict, err := host.Call(usage, context)
		if err != nil || verdict.Decision != pluginapi.Allow {
			t.Errorf("%s: %+v, %v; want allow", name, verdict, err)
		}
		if len(host.Logs) != 1 || host.Logs[0].Message != tc.want {
			t.Errorf("%s: logged %v, want %s", name, host.Logs, tc.want)
		}
	}
}

func TestUsageOnAnotherHost(t *testing.T) {
	t.Parallel()
	context := snaphooktest.Output("an answer")
	context.Extensions.Snaphook = nil
	var host snaphooktest.Host
	if _, err := host.Call(usage, context); err != nil {
		t.Error(err)
	}
	const want = `usage run_id="" agent="TestAgent" session_id="" metrics=unknown`
	if len(host.Logs) != 1 || host.Logs[0].Message != want {
		t.Errorf("logged %v, want %s", host.Logs, want)
	}
}
