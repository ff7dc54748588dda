package runtime

import (
	"context"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The modules a guest imports from.
const (
	extismModule = "extism:host/env"
	wasiModule   = wasi_snapshot_preview1.ModuleName
)

// extismFunctions is the guest ABI of Extism.
var extismFunctions = map[string]signature{
	"alloc":            "(i64) -> i64",
	"free":             "(i64) -> ()",
	"length":           "(i64) -> i64",
	"length_unsafe":    "(i64) -> i64",
	"load_u8":          "(i64) -> i32",
	"load_u64":         "(i64) -> i64",
	"store_u8":         "(i64, i32) -> ()",
	"store_u64":        "(i64, i64) -> ()",
	"input_length":     "() -> i64",
	"input_offset":     "() -> i64",
	"input_load_u8":    "(i64) -> i32",
	"input_load_u64":   "(i64) -> i64",
	"input_set":        "(i64, i64) -> ()",
	"output_set":       "(i64, i64) -> ()",
	"output_offset":    "() -> i64",
	"output_length":    "() -> i64",
	"error_set":        "(i64) -> ()",
	"error_get":        "() -> i64",
	"reset":            "() -> ()",
	"memory_bytes":     "() -> i64",
	"config_get":       "(i64) -> i64",
	"var_get":          "(i64) -> i64",
	"var_set":          "(i64, i64) -> ()",
	"http_request":     "(i64, i64) -> i64",
	"http_status_code": "() -> i32",
	"http_headers":     "() -> i64",
	"log_trace":        "(i64) -> ()",
	"log_debug":        "(i64) -> ()",
	"log_info":         "(i64) -> ()",
	"log_warn":         "(i64) -> ()",
	"log_error":        "(i64) -> ()",
	"get_log_level":    "() -> i32",
}

// wasiFunctions asks the engine for the functions of WASI preview 1.
func wasiFunctions() (map[string]signature, error) {
	ctx := context.Background() // nothing here waits
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	wasi, err := wasi_snapshot_preview1.NewBuilder(r).Compile(ctx)
	if err != nil {
		return nil, fmt.Errorf("compile WASI: %w", err)
	}
	functions := map[string]signature{}
	for name, f := range wasi.ExportedFunctions() {
		functions[name] = signatureOf(f)
	}
	return functions, nil
}

// hostModules returns what a guest of an ABI may import, by module and name.
func (r *Runtime) hostModules(abi pluginapi.ABI) map[string]map[string]signature {
	if abi == pluginapi.ABIWASICommand {
		return map[string]map[string]signature{wasiModule: r.wasi}
	}
	return map[string]map[string]signature{
		wasiModule: r.wasi, extismModule: extismFunctions, userModule: userFunctions(),
	}
}

// importHint says how to get rid of an import that toolchains are known to add.
func importHint(module, name string) string {
	switch {
	case module == "extism:env", module == "env" && strings.HasPrefix(name, "extism_"):
		return "; rebuild with a PDK of version 1.0 or later"
	case module == "env" && name == "emscripten_notify_memory_growth":
		return "; build without ALLOW_MEMORY_GROWTH and with INITIAL_MEMORY as large as needed"
	case module == "env" && name == "abort":
		return "; build AssemblyScript with --use abort="
	case module == "wasi_unstable":
		return "; build for " + wasiModule
	case strings.HasPrefix(module, "wasi:"):
		return "; this is WASI 0.2; build for " + wasiModule
	case module == "gojs", module == "go":
		return "; build Go with GOOS=wasip1"
	}
	return ""
}
