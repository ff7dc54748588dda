package host

import "time"

// Quarantine says that a plugin kept failing in the background: its background
// calls stay queued until Until; then one is let through to see. Its blocking
// calls are made as ever.
type Quarantine struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Failures counts the failed attempts that led to it, and those since.
	Failures int    `json:"failures"`
	Reason   string `json:"reason"`
}
