package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// TestMessageTooLargeForHooks: what no hook could be shown is refused before a run
// of it exists, where there are hooks.
func TestMessageTooLargeForHooks(t *testing.T) {
	t.Parallel()
	large := asks(strings.Repeat("x", hook.MaxInputBytes))
	large.RunID = "run"
	f := newFixture(t, blocking(pluginapi.PointOutput, "check", says(allow)))
	_, ran := f.Run(t.Context(), large)
	_, started := f.Start(t.Context(), large)
	for _, err := range []error{ran, started} {
		if wrong, ok := errors.AsType[*host.Error](err); !ok || wrong.Code != host.CodeTooLarge || wrong.Field != "message" {
			t.Errorf("refused with %v", err)
		}
	}
	if _, err := f.store.Run(t.Context(), "run"); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("the run is stored: %v", err)
	}
	if run := newFixture(t).run(t, large); run.Status != host.RunCompleted {
		t.Errorf("without hooks the run is %s", run.Status)
	}
}
