package engine_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// A run that ended before its input was permitted keeps nothing of the request,
// not even for the background hooks of the points it had passed.
func TestNothingUnpermittedReachesBackgroundHooks(t *testing.T) {
	t.Parallel()
	c, cancel := context.WithCancel(t.Context())
	f := newFixture(t,
		background(pluginapi.PointAgentStartup, "log"),
		blocking(pluginapi.PointInput, "slow", func(c ctx, _ pluginapi.Context) (string, error) {
			cancel()
			<-c.Done()
			return "", &host.CallError{Code: host.CallCancelled, Message: "cancelled", Err: c.Err()}
		}))
	req := asks("hello")
	req.Metadata = json.RawMessage(`{"note":"` + secret + `"}`)
	req.Dependencies, req.Arguments = req.Metadata, req.Metadata
	run, err := f.Run(c, req)
	if err != nil || run.Status != host.RunCancelled {
		t.Fatalf("run %+v, %v", run, err)
	}
	if calls := f.calls(t, run.ID); len(calls) != 2 || calls[0] != "agent_startup log queued" {
		t.Errorf("calls %q", calls)
	}
	if f.store.contains(t, secret) {
		t.Error("a part of the request was stored")
	}
}
