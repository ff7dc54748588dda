package host

import (
	"encoding/json"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Trial is one call of one hook outside any run: a test of its manifest, or an
// operator's try.
type Trial struct {
	// Plugin need be neither active nor installed; what it is granted counts.
	Plugin *Plugin
	// Binding names the hook, and says how it would be bound.
	Binding Binding
	// Context is a pluginapi.Context that may leave out what the host can fill in;
	// nil leaves out everything.
	Context json.RawMessage
	// Services answer the guest. The session's state is what SessionState says.
	Services Services
}

// TrialResult is what a trial came to, by the rules of a run.
type TrialResult struct {
	// Verdict is what the hook answered, or what takes the place of an answer that
	// is missing; its decision is empty when a background hook failed.
	Verdict pluginapi.Verdict
	// Call is the record of such a call; no store knows it.
	Call HookCall
}
