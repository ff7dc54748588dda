package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// exitDeny is the exit code with which a program denies. A Go program that
// panics ends with it too, and so denies.
const exitDeny = 2

// commandGuest runs a WASI program: input on stdin, output on stdout, exit 0.
type commandGuest struct {
	engine wazero.Runtime
	module wazero.CompiledModule
	cache  wazero.CompilationCache
}

func newCommandGuest(ctx context.Context, wasm []byte, memoryPages uint32, cache wazero.CompilationCache) (guest, error) {
	engine := wazero.NewRuntimeWithConfig(ctx, engineConfig(cache, memoryPages))
	module, err := compileCommand(ctx, engine, wasm)
	if err != nil {
		return nil, errors.Join(err, engine.Close(ctx))
	}
	return &commandGuest{engine: engine, module: module, cache: cache}, nil
}

func compileCommand(ctx context.Context, engine wazero.Runtime, wasm []byte) (wazero.CompiledModule, error) {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, engine); err != nil {
		return nil, err
	}
	return engine.CompileModule(ctx, wasm)
}

func (g *commandGuest) close(ctx context.Context) error {
	return errors.Join(g.engine.Close(ctx), g.cache.Close(ctx))
}

func (g *commandGuest) run(ctx context.Context, c *invocation) ([]byte, error) {
	stdout := &output{call: c}
	denial := &head{limit: maxErrorText}
	system := c.system(ctx).WithStdin(bytes.NewReader(c.Input)).WithStdout(stdout).WithStderr(io.MultiWriter(denial, c.stderr))
	module, err := g.engine.InstantiateModule(ctx, g.module, system)
	if err != nil {
		return nil, err
	}
	defer module.Close(context.WithoutCancel(ctx))
	_, err = module.ExportedFunction(pluginapi.ExportStart).Call(ctx)
	var exit *sys.ExitError
	switch {
	case err == nil:
		return stdout.text, nil
	case !errors.As(err, &exit):
		return nil, err
	case exit.ExitCode() == 0:
		return stdout.text, nil
	case c.Tool:
		return nil, toolFailure(exit.ExitCode(), string(denial.text))
	case exit.ExitCode() == exitDeny:
		return denyVerdict(string(denial.text))
	}
	return nil, callError(host.CallExit, "the program ended with code %d", exit.ExitCode())
}

// try makes an instance, which runs the start section; the program itself
// would want its input.
func (g *commandGuest) try(ctx context.Context, c *invocation) error {
	module, err := g.engine.InstantiateModule(ctx, g.module, c.system(ctx))
	if err != nil {
		return err
	}
	return module.Close(context.WithoutCancel(ctx))
}

// toolFailure is the error of a tool's program that did not end with 0; what it
// wrote to stderr says why.
func toolFailure(code uint32, stderr string) *host.CallError {
	if message := cleanMessage(strings.TrimSpace(stderr), maxErrorText); message != "" {
		return callError(host.CallFailed, "%s", message)
	}
	return callError(host.CallFailed, "the program ended with code %d", code)
}

// denyVerdict is the verdict of a program that denied; what it wrote to stderr
// is the message.
func denyVerdict(stderr string) ([]byte, error) {
	message := cleanMessage(strings.TrimSpace(stderr), maxErrorText)
	return json.Marshal(pluginapi.Verdict{Decision: pluginapi.Deny, Message: message})
}
