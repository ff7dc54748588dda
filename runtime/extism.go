package runtime

import (
	"context"
	"errors"
	"slices"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	// arenaPages bounds the memory beside the guest's own that holds input,
	// output and every text passed through the ABI.
	arenaPages = 256
	// maxVars bounds what a guest keeps in vars during one call, in bytes.
	maxVars = 64 << 10
)

// extismGuest runs a module with the Extism ABI on go-sdk.
type extismGuest struct {
	plugin *extism.CompiledPlugin
	cache  wazero.CompilationCache
}

func newExtismGuest(ctx context.Context, wasm []byte, memoryPages uint32, cache wazero.CompilationCache) (guest, error) {
	manifest := extism.Manifest{
		Wasm: []extism.Wasm{extism.WasmData{Data: wasm}},
		Memory: &extism.ManifestMemory{
			// The limit counts for the arena too; the guest's own memory is
			// bounded in its module.
			MaxPages:             max(memoryPages, arenaPages),
			MaxHttpResponseBytes: maxResponseBody,
			MaxVarBytes:          maxVars,
		},
	}
	plugin, err := extism.NewCompiledPlugin(ctx, manifest, extism.PluginConfig{
		RuntimeConfig:             engineConfig(cache, manifest.Memory.MaxPages),
		EnableWasi:                true,
		EnableHttpResponseHeaders: true,
	}, slices.Concat(redirectedFunctions(), serviceFunctions()))
	if err != nil {
		return nil, err
	}
	return &extismGuest{plugin: plugin, cache: cache}, nil
}

func (g *extismGuest) close(ctx context.Context) error {
	return errors.Join(g.plugin.Close(ctx), g.cache.Close(ctx))
}

func (g *extismGuest) run(ctx context.Context, c *invocation) ([]byte, error) {
	p, err := g.instance(ctx, c)
	if err != nil {
		return nil, err
	}
	defer p.CloseWithContext(context.WithoutCancel(ctx))
	rc, output, err := p.CallWithContext(ctx, c.Export, c.Input)
	switch {
	case err != nil:
		return nil, err
	case c.guestError != 0:
		return nil, callError(host.CallFailed, "%s", c.guestErrorText)
	case rc != 0:
		return nil, callError(host.CallFailed, "the hook returned %d without an error text", int32(rc))
	}
	return output, nil
}

// reactorInit is what a WASI reactor exports for its initialisation.
const reactorInit = "_initialize"

// try makes an instance, which runs the start section, and the initialiser.
func (g *extismGuest) try(ctx context.Context, c *invocation) error {
	p, err := g.instance(ctx, c)
	if err != nil {
		return err
	}
	defer p.CloseWithContext(context.WithoutCancel(ctx))
	if !p.FunctionExists(reactorInit) {
		return nil
	}
	_, _, err = p.CallWithContext(ctx, reactorInit, nil)
	return err
}

func (g *extismGuest) instance(ctx context.Context, c *invocation) (*extism.Plugin, error) {
	p, err := g.plugin.Instance(ctx, extism.PluginInstanceConfig{ModuleConfig: c.system(ctx)})
	if err != nil {
		return nil, err
	}
	// go-sdk's own messages; the guest's go to redirectedFunctions.
	p.SetLogger(func(extism.LogLevel, string) {})
	p.Config = c.Config
	if guardsDefaultClient() {
		// The guarded client decides; go-sdk knows neither grants nor ports.
		p.AllowedHosts = []string{"*"}
	}
	return p, nil
}
