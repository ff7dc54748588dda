package runtime

import (
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Limits of a module that names none.
const (
	DefaultMemory = 16 << 20
	DefaultOutput = 256 << 10
)

// Source is a module with what the host must know to load it.
type Source struct {
	// Name appears in logs and errors.
	Name string
	Wasm []byte
	// ABI defaults to pluginapi.ABIExtism.
	ABI pluginapi.ABI
	// Exports are the functions that will be called. For
	// pluginapi.ABIWASICommand it is always pluginapi.ExportStart.
	Exports []string
	// Memory bounds the guest's memory and Output what it answers, in bytes;
	// 0 means DefaultMemory and DefaultOutput.
	Memory int64
	Output int64
}

func (s Source) withDefaults() Source {
	if s.ABI == "" {
		s.ABI = pluginapi.ABIExtism
	}
	if s.ABI == pluginapi.ABIWASICommand && !slices.Contains(s.Exports, pluginapi.ExportStart) {
		s.Exports = append(slices.Clone(s.Exports), pluginapi.ExportStart)
	}
	if s.Memory == 0 {
		s.Memory = DefaultMemory
	}
	if s.Output == 0 {
		s.Output = DefaultOutput
	}
	return s
}

// check looks at everything but the module.
func (s Source) check() []host.Problem {
	var problems []host.Problem
	if s.ABI != pluginapi.ABIExtism && s.ABI != pluginapi.ABIWASICommand {
		problems = append(problems, problem("abi", "must be %s or %s", pluginapi.ABIExtism, pluginapi.ABIWASICommand))
	}
	if s.Memory < pageSize || s.Memory > int64(pluginapi.MaxMemory) {
		problems = append(problems, problem("limits.memory", "must be between %s and %s",
			pluginapi.Size(pageSize), pluginapi.MaxMemory))
	}
	if s.Output < 0 || s.Output > int64(pluginapi.MaxOutput) {
		problems = append(problems, problem("limits.output", "must be at most %s", pluginapi.MaxOutput))
	}
	return problems
}

// memoryPages is the memory limit in whole pages.
func (s Source) memoryPages() uint32 { return uint32(s.Memory / pageSize) }
