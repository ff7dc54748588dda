//go:build !race

package e2e

// raceFlags are given to the build of the binary under test.
var raceFlags []string
