//go:build !race

package plugin_test

// hammerCalls is how many calls are made while versions are swapped.
const hammerCalls = 20_000
