package runtime

import (
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// maxPages is the most memory WebAssembly knows, in pages.
const maxPages = 1 << 16

// engineConfig is the engine of every module. Compiled code depends on it, so
// all engines that share a cache entry must have the same but for the memory.
func engineConfig(cache wazero.CompilationCache, memoryPages uint32) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithCompilationCache(cache).
		WithMemoryLimitPages(memoryPages).
		WithCloseOnContextDone(true).
		WithDebugInfoEnabled(false)
}
