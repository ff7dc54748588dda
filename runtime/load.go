package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// trialTimeout bounds the initialisation of a module when it is loaded.
const trialTimeout = 10 * time.Second

// Inspect returns everything that is wrong with a module, or nothing. It
// compiles the module and makes a trial instance. An error says that the host
// could not find out.
func (r *Runtime) Inspect(ctx context.Context, src Source) ([]host.Problem, error) {
	m, problems, err := r.load(ctx, src.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", src.Name, err)
	}
	if m == nil {
		return problems, nil
	}
	if err := m.Close(ctx); err != nil {
		return nil, fmt.Errorf("inspect %s: %w", src.Name, err)
	}
	return nil, nil
}

// Load checks and compiles a module. A module that is refused is a *host.Error
// with CodeInvalid and all problems; other errors are the host's own.
func (r *Runtime) Load(ctx context.Context, src Source) (*Module, error) {
	m, problems, err := r.load(ctx, src.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", src.Name, err)
	}
	if len(problems) > 0 {
		return nil, &host.Error{Code: host.CodeInvalid, Field: pathModule, Message: "the module is refused", Problems: problems}
	}
	if !r.keep(m) {
		return nil, errors.Join(errors.New("the runtime is closed"), m.Close(ctx))
	}
	return m, nil
}

// Discard deletes the compiled code of a module. A module that is loaded is not
// touched; whoever loads it later compiles it again.
func (r *Runtime) Discard(ctx context.Context, src Source) error {
	src = src.withDefaults()
	binary, err := readBinary(src.Wasm)
	if err != nil || len(src.check()) > 0 {
		return nil // such a module is never compiled
	}
	select {
	case r.compiling <- struct{}{}:
		defer func() { <-r.compiling }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	wasm := binary.rewrite(src.memoryPages(), redirection(src.ABI))
	if err := removeEntry(r.cacheEntry(wasm)); err != nil {
		return fmt.Errorf("discard %s: %w", src.Name, err)
	}
	return nil
}

// load returns a module or what is wrong with it. One module is loaded at a
// time.
func (r *Runtime) load(ctx context.Context, src Source) (*Module, []host.Problem, error) {
	problems := src.check()
	binary, err := readBinary(src.Wasm)
	if err != nil {
		return nil, append(problems, problem(pathModule, "%s", err)), nil
	}
	if len(problems) > 0 {
		return nil, problems, nil
	}
	select {
	case r.compiling <- struct{}{}:
		defer func() { <-r.compiling }()
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	wasm := binary.rewrite(src.memoryPages(), redirection(src.ABI))
	m, problems, err := r.build(ctx, src, binary, wasm)
	if m == nil {
		// Nothing of a refused module stays.
		err = errors.Join(err, removeEntry(r.cacheEntry(wasm)))
	}
	return m, problems, err
}

// build checks, compiles and tries a module in its rewritten form.
func (r *Runtime) build(ctx context.Context, src Source, binary *moduleBinary, wasm []byte) (*Module, []host.Problem, error) {
	exports, problems, err := r.check(ctx, src, binary, wasm)
	if err != nil || len(problems) > 0 {
		return nil, problems, err
	}
	m, err := r.compile(ctx, src, wasm)
	if err != nil {
		return nil, nil, err
	}
	m.exports = exports
	problems, err = m.try(ctx)
	if err != nil || len(problems) > 0 {
		return nil, problems, errors.Join(err, m.Close(ctx))
	}
	return m, nil, nil
}

// check compiles the module for a look at its types. The machine code stays in
// the cache for the engine that runs it.
func (r *Runtime) check(
	ctx context.Context, src Source, binary *moduleBinary, wasm []byte,
) (exports map[string]signature, problems []host.Problem, err error) {
	problems = checkMemory(binary, src.memoryPages())
	err = r.withCache(ctx, r.cacheEntry(wasm), func(cache wazero.CompilationCache) error {
		defer cache.Close(ctx)
		engine := wazero.NewRuntimeWithConfig(ctx, engineConfig(cache, maxPages))
		defer engine.Close(ctx)
		module, err := engine.CompileModule(ctx, wasm)
		if err != nil {
			return err
		}
		problems = append(problems, checkImports(binary.imports, module.ImportedFunctions(), r.hostModules(src.ABI))...)
		problems = append(problems, checkExports(src, module.ExportedFunctions())...)
		exports = signatures(module.ExportedFunctions())
		return nil
	})
	if err != nil && !isHostFault(err) {
		return nil, append(problems, problem(pathModule, "the module is not valid: %s", cleanError(err))), nil
	}
	return exports, problems, err
}

func signatures(functions map[string]api.FunctionDefinition) map[string]signature {
	out := make(map[string]signature, len(functions))
	for name, f := range functions {
		out[name] = signatureOf(f)
	}
	return out
}

// compile makes the engine for a module that was found good.
func (r *Runtime) compile(ctx context.Context, src Source, wasm []byte) (*Module, error) {
	m := &Module{runtime: r, name: src.Name, abi: src.ABI, maxOutput: src.Output}
	newGuest := newExtismGuest
	if src.ABI == pluginapi.ABIWASICommand {
		newGuest = newCommandGuest
	}
	err := r.withCache(ctx, r.cacheEntry(wasm), func(cache wazero.CompilationCache) error {
		var err error
		m.guest, err = newGuest(ctx, wasm, src.memoryPages(), cache)
		if err != nil {
			return errors.Join(err, cache.Close(ctx))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return m, nil
}
