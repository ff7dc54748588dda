package runtime

import (
	"context"
	"strings"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero/api"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Some functions of the ABI are ours instead of go-sdk's, because its own
// cannot be used as they are:
//
//   - its log level is one for the process, and at a level that lets everything
//     through it logs about itself;
//   - it takes no notice of an output that lies outside the memory, of an error
//     that is no text, or of memory that is used up, and the call would end in an
//     empty output, which means allow;
//   - it takes proc_exit(0) for success.
//
// The guest's imports are redirected in its bytes: a module name is replaced by
// another of the same length.
const (
	redirectedExtism = "snaphook/extism"
	redirectedWASI   = "wasi_snapshot_snaphook"
)

// redirection returns what rewrites the imports of an ABI's guests.
func redirection(abi pluginapi.ABI) func(module, name string) (string, bool) {
	if abi == pluginapi.ABIExtism {
		return redirectExtism
	}
	return func(string, string) (string, bool) { return "", false }
}

// redirectExtism says where an import is taken from instead.
func redirectExtism(module, name string) (string, bool) {
	switch {
	case module == wasiModule && name == "proc_exit":
		return redirectedWASI, true
	case module != extismModule:
		return "", false
	}
	switch name {
	case "alloc", "output_set", "error_set", "error_get", "get_log_level":
		return redirectedExtism, true
	}
	return redirectedExtism, strings.HasPrefix(name, "log_")
}

func redirectedFunctions() []extism.HostFunction {
	i32, i64 := []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI64}
	functions := []extism.HostFunction{
		redirected("alloc", alloc, i64, i64),
		redirected("output_set", setOutput, append(i64, i64...), nil),
		redirected("error_set", setError, i64, nil),
		redirected("error_get", getError, nil, i64),
		redirected("get_log_level", logLevel, nil, i32),
	}
	for _, level := range []string{"trace", "debug", levelInfo, levelWarn, "error"} {
		functions = append(functions, redirected("log_"+level, logAt(level), i64, nil))
	}
	exit := redirected("proc_exit", exitProcess, i32, nil)
	exit.SetNamespace(redirectedWASI)
	return append(functions, exit)
}

func redirected(name string, f extism.HostFunctionStackCallback, params, results []api.ValueType) extism.HostFunction {
	function := extism.NewHostFunctionWithStack(name, f, params, results)
	function.SetNamespace(redirectedExtism)
	return function
}

// alloc ends the call when there is no room: guests take the 0 they would get
// for a block and overwrite what lies there.
func alloc(ctx context.Context, p *extism.CurrentPlugin, stack []uint64) {
	size := stack[0]
	if size > uint64(pluginapi.MaxMemory) { // larger sizes wrap around in the engine
		noRoom(ctx, size)
	}
	block, err := p.AllocWithContext(ctx, size)
	if err != nil {
		panic(err)
	}
	if block == 0 && size > 0 {
		noRoom(ctx, size)
	}
	stack[0] = block
}

func noRoom(ctx context.Context, size uint64) {
	invocationFrom(ctx).abort(host.CallTrap, "the memory for input, output and texts has no room for %d bytes", size)
}

// setOutput checks what the engine would not, and passes it on.
func setOutput(ctx context.Context, p *extism.CurrentPlugin, stack []uint64) {
	c, memory := invocationFrom(ctx), uint64(p.Memory().Size())
	start, size := stack[0], stack[1]
	switch {
	case size > memory || start > memory-size:
		c.abort(host.CallTrap, "the output lies outside the memory")
	case size > uint64(c.maxOutput):
		c.abort(host.CallOutputTooLarge, "the output has %d bytes; at most %d are allowed", size, c.maxOutput)
	}
	arena := ctx.Value(extism.PluginCtxKey("extism")).(api.Module)
	if err := arena.ExportedFunction("output_set").CallWithStack(ctx, stack); err != nil {
		panic(err)
	}
}

// setError keeps the text itself, so that a trap and an error stay apart.
func setError(ctx context.Context, p *extism.CurrentPlugin, stack []uint64) {
	c := invocationFrom(ctx)
	c.guestError = stack[0]
	c.guestErrorText = clean(c.secrets.redactText(blockText(p, c.guestError)), maxErrorText)
	if c.guestErrorText == "" {
		c.guestErrorText = "the hook failed without an error text"
	}
}

func getError(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
	stack[0] = invocationFrom(ctx).guestError
}

// logLevel tells the guest that every level is kept.
func logLevel(_ context.Context, _ *extism.CurrentPlugin, stack []uint64) {
	stack[0] = api.EncodeI32(extism.LogLevelTrace.ExtismCompat())
}

func logAt(level string) extism.HostFunctionStackCallback {
	return func(ctx context.Context, p *extism.CurrentPlugin, stack []uint64) {
		invocationFrom(ctx).log.add(level, blockText(p, stack[0]))
		if err := p.FreeWithContext(ctx, stack[0]); err != nil {
			panic(err)
		}
	}
}

// blockText reads a block; a handle that is none reads as an empty text.
func blockText(p *extism.CurrentPlugin, block uint64) string {
	s, err := p.ReadString(block)
	if err != nil {
		return ""
	}
	return s
}

func exitProcess(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
	invocationFrom(ctx).abort(host.CallExit, "the hook ended its process with code %d", api.DecodeU32(stack[0]))
}
