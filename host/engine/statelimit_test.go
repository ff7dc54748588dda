package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func TestSessionStateIsBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	state := func(name string, size int) json.RawMessage {
		return json.RawMessage(`{"` + name + `":"` + strings.Repeat("x", size) + `"}`)
	}
	req := asks("hello")
	req.SessionState = state("a", host.MaxSessionStateBytes)
	_, err := f.Run(t.Context(), req)
	if host.CodeOf(err) != host.CodeInvalid || !strings.Contains(err.Error(), "session_state") {
		t.Errorf("a state that is too large: %v", err)
	}
	req.SessionState = state("a", host.MaxSessionStateBytes*2/3)
	if run := f.run(t, req); run.Status != host.RunCompleted {
		t.Fatalf("run %s", run.Content)
	}
	req.SessionState = state("b", host.MaxSessionStateBytes*2/3)
	run := f.run(t, req)
	if run.Status != host.RunError || run.Failure.ID != "too_large" || len(run.SessionState) > host.MaxSessionStateBytes {
		t.Errorf("two states that are too large together: %s with %d bytes", run.Status, len(run.SessionState))
	}
	req.SessionState = nil
	if run := f.run(t, req); run.Status != host.RunCompleted {
		t.Errorf("the session is lost: %s", run.Content)
	}
}
