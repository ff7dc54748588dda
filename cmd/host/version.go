package main

import (
	"runtime"
	"runtime/debug"
)

// versionCommand is `snaphook version`.
type versionCommand struct{}

// Run prints the version of the program and of what built it.
func (versionCommand) Run(s streams) error {
	printf(s.Out, "snaphook %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// version is what the build knows of its source.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown)"
	}
	return info.Main.Version
}
