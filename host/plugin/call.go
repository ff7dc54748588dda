package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

var _ host.Caller = (*Registry)(nil)

// Call runs one export of the plugin with that digest, active or not. What the
// plugin may touch is what it is granted now.
func (r *Registry) Call(ctx context.Context, call host.Call) (host.CallResult, error) {
	return r.inSlot(ctx, call, func() (*host.Plugin, bool) {
		p, ok := r.state.Load().byDigest[call.Digest]
		return p, ok
	})
}

// inSlot waits for a slot, and then runs one export of the plugin it finds.
func (r *Registry) inSlot(
	ctx context.Context, call host.Call, find func() (*host.Plugin, bool),
) (host.CallResult, error) {
	slots, err := r.slotsOf(call)
	if err != nil {
		return host.CallResult{}, err
	}
	if err := slots.take(ctx); err != nil {
		return host.CallResult{}, err
	}
	defer slots.giveBack()
	p, ok := find()
	if !ok {
		return host.CallResult{}, &host.CallError{Code: host.CallUnavailable, Message: "the plugin is not installed"}
	}
	module, release, err := r.modules.acquire(ctx, p)
	if err != nil {
		return host.CallResult{}, loadError(ctx, err)
	}
	defer release()
	return r.invoke(ctx, p, module, call)
}

// invoke runs one export of a module; the plugin says what it may touch.
func (r *Registry) invoke(
	ctx context.Context, p *host.Plugin, module Module, call host.Call,
) (host.CallResult, error) {
	config, err := readConfig(call.Config)
	if err != nil {
		return host.CallResult{}, err
	}
	started := time.Now()
	result, err := module.Call(ctx, runtime.Call{
		Export: call.Export, Input: call.Input, Config: config.text(), Timeout: call.Timeout,
		Mode: call.Mode, Tool: call.Tool, HTTP: httpGrant(p, config), Services: r.services(p, call.Services, config),
	})
	return host.CallResult{Output: result.Output, Logs: result.Logs, Duration: time.Since(started)}, err
}

// loadError says why the module of a call could not be had.
func loadError(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return contextError(ctx)
	}
	return &host.CallError{Code: host.CallUnavailable, Message: "the plugin could not be loaded", Err: err}
}

// config is the configuration of a binding, by key.
type config map[string]json.RawMessage

func readConfig(raw json.RawMessage) (config, error) {
	if raw == nil {
		return nil, nil
	}
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, &host.CallError{Code: host.CallUnavailable, Message: "the configuration is not an object", Err: err}
	}
	return c, nil
}

// text returns the values as a guest reads them: a string as it is, anything
// else as JSON.
func (c config) text() map[string]string {
	values := make(map[string]string, len(c))
	for key, raw := range c {
		values[key] = host.Text(raw)
	}
	return values
}

// load reads a plugin's module from the store and loads it.
func (r *Registry) load(ctx context.Context, p *host.Plugin) (Module, error) {
	wasm, err := r.store.PluginModule(ctx, p.Digest)
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	began := r.now()
	module, err := r.loader.Load(ctx, sourceOf(p.Manifest, wasm))
	r.observer.PluginLoaded(p.Name, r.now().Sub(began), err != nil)
	return module, err
}

// sourceOf says what the runtime must know about a module.
func sourceOf(m pluginapi.Manifest, wasm []byte) runtime.Source {
	source := runtime.Source{
		Name: m.Name + " " + m.Version, Wasm: wasm, ABI: m.ABI,
		Memory: int64(m.Limits.Memory), Output: int64(m.Limits.Output),
	}
	for _, h := range m.Hooks {
		if h.Export != "" {
			source.Exports = append(source.Exports, h.Export)
		}
	}
	for _, f := range m.Tools {
		if f.Export != "" {
			source.Exports = append(source.Exports, f.Export)
		}
	}
	return source
}
