package plugin

import (
	"context"
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Try asks for one call of a hook outside any run.
type Try struct {
	Hook string
	// Context may leave out what the host can fill in.
	Context json.RawMessage
	// Mode, Config and OnError are those of a binding.
	Mode    pluginapi.Mode
	Config  json.RawMessage
	OnError pluginapi.OnError
	// Stubs answer the hook. With Real only the session's state is taken from
	// them, for a trial belongs to no session; all else is what the plugin is
	// granted now.
	Stubs Stubs
	Real  bool
	// Runner runs the components that a plugin with Real may run; nil runs none.
	Runner host.Runner
}

// Try asks a hook of a version, active or not, by the rules of a run. A hook that
// fails is a result. What is wrong with the try is CodeInvalid and names the
// field; a version that is not installed is CodeNotFound.
func (r *Registry) Try(ctx context.Context, name, version string, try Try) (host.TrialResult, error) {
	p, err := r.find(name, version)
	if err != nil {
		return host.TrialResult{}, err
	}
	if _, ok := p.Hook(try.Hook); !ok {
		return host.TrialResult{}, host.Invalid("hook", "the plugin %q has no hook %q; it has %s",
			name, cut(try.Hook), hookNames(p.Manifest))
	}
	if err := try.checkStubs(p); err != nil {
		return host.TrialResult{}, err
	}
	var caller host.Caller = r
	if !try.Real {
		p = asGranted(*p)
		caller = grantedCaller{r, p}
	}
	b := host.Binding{Plugin: name, Hook: try.Hook, Mode: try.Mode, Config: try.Config, OnError: try.OnError}
	trial := newTrial(p, b, try.Context, &try.Stubs)
	if err := r.checkTrial(p, trial.Binding); err != nil {
		return host.TrialResult{}, err
	}
	stubs := newStubbed(p, try.Stubs)
	trial.Services = host.Services{SessionState: stubState{stubs}, Runner: try.Runner}
	if !try.Real {
		trial.Services = stubs.services(p)
	}
	return r.trials.Try(ctx, caller, trial)
}

// checkTrial holds a try to the rules of a binding.
func (r *Registry) checkTrial(p *host.Plugin, b host.Binding) error {
	c := bindingCheck{scope: host.HostWide, binding: b, configs: r.newConfigChecks()}
	c.checkFields()
	c.checkHooks(p)
	c.checkConfig(p.Manifest)
	return refusal("", "the hook cannot be called so", c.problems)
}

// checkStubs refuses stubs that would not be used.
func (t Try) checkStubs(p *host.Plugin) error {
	switch {
	case t.Real && t.Stubs.HTTP != nil:
		return host.Invalid("http", "is a stub: with real effects requests are sent")
	case t.Real && t.Stubs.KV != nil:
		return host.Invalid("kv", "is a stub: with real effects the plugin's own values are used")
	case t.Real && t.Stubs.Run != nil:
		return host.Invalid("run", "is a stub: with real effects components are run")
	}
	return refusal("", "the stubs are refused", t.Stubs.check(p.Manifest))
}
