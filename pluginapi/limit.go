package pluginapi

import "time"

// What a manifest may ask for at most.
const (
	MaxBlockingTimeout   = 5 * time.Second
	MaxBackgroundTimeout = 10 * time.Minute
	MaxToolTimeout       = time.Minute
	MaxRetryAttempts     = 100
	MaxTests             = 100
	MaxTools             = 100
	MaxKVBytes           = 1 << 20

	MaxMemory Size = 64 << 20
	MaxOutput Size = 1 << 20
)

// minMemory is one page of WebAssembly.
const minMemory Size = 64 << 10

// Limits bound one call. Zero fields mean the host's default.
type Limits struct {
	Memory Size `json:"memory,omitzero"`
	Output Size `json:"output,omitzero"`
}

func (l Limits) check(p *problems) {
	if l.Memory != 0 && (l.Memory < minMemory || l.Memory > MaxMemory) {
		p.add("limits.memory", "must be between %s and %s", minMemory, MaxMemory)
	}
	if l.Output < 0 || l.Output > MaxOutput {
		p.add("limits.output", "must be at most %s", MaxOutput)
	}
}
