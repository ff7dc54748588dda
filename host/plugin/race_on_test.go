//go:build race

package plugin_test

// hammerCalls is how many calls are made while versions are swapped: fewer, for
// the race detector makes each many times slower.
const hammerCalls = 5_000
