// Package plugin installs, activates, binds and calls plugins. Its Registry
// holds in memory what the store says, and is the host.Caller of the host.
package plugin
