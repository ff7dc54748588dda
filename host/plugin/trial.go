package plugin

import (
	"context"
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Trials ask a hook outside any run by the rules of a run. They are safe for
// concurrent use.
type Trials interface {
	// Check returns what keeps a trial's context from being completed; paths begin
	// at the context.
	Check(trial host.Trial) []host.Problem
	// Try asks the hook through the caller. A hook that fails is a result; an
	// error says that nobody was asked.
	Try(ctx context.Context, caller host.Caller, trial host.Trial) (host.TrialResult, error)
}

// asGranted is a plugin that was granted all it asks for: only stubs answer it.
func asGranted(p host.Plugin) *host.Plugin {
	p.Grants = p.Manifest.Permissions.Names()
	return &p
}

// newTrial is a trial on a context. A configuration and a state that are not
// given are those of the context itself.
func newTrial(p *host.Plugin, b host.Binding, document json.RawMessage, stubs *Stubs) host.Trial {
	var given struct {
		Extensions pluginapi.Extensions `json:"extensions"`
	}
	// What is wrong with the context is for Check to say.
	if err := json.Unmarshal(document, &given); err == nil && given.Extensions.Snaphook != nil {
		if b.Config == nil {
			b.Config = given.Extensions.Snaphook.Config
		}
		if stubs.SessionState == nil {
			stubs.SessionState = given.Extensions.Snaphook.SessionState
		}
	}
	return host.Trial{Plugin: p, Binding: b, Context: document}
}

// moduleCaller calls a module that is not installed.
type moduleCaller struct {
	registry *Registry
	plugin   *host.Plugin
	module   Module
}

var _ host.Caller = moduleCaller{}

// Call runs one export of the module.
func (c moduleCaller) Call(ctx context.Context, call host.Call) (host.CallResult, error) {
	return c.registry.invoke(ctx, c.plugin, c.module, call)
}

// grantedCaller calls an installed plugin with other grants than it has.
type grantedCaller struct {
	registry *Registry
	plugin   *host.Plugin
}

var _ host.Caller = grantedCaller{}

// Call runs one export in a slot, as a run would.
func (c grantedCaller) Call(ctx context.Context, call host.Call) (host.CallResult, error) {
	return c.registry.inSlot(ctx, call, func() (*host.Plugin, bool) { return c.plugin, true })
}
