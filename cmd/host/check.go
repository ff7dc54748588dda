package main

import (
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/cmd/host/config"
	"github.com/snaphook-dev/snaphook/host"
)

// overrideFlags are the values of the configuration that flags and environment
// variables may change.
type overrideFlags struct {
	Listen               *string  `env:"SNAPHOOK_LISTEN" placeholder:"HOST:PORT" help:"Address of the HTTP API."`
	Store                *string  `env:"SNAPHOOK_STORE" placeholder:"URL" help:"Where everything is kept, such as sqlite://snaphook.db."`
	Insecure             *bool    `env:"SNAPHOOK_INSECURE" negatable:"" help:"Permit an address that other machines can reach."`
	RunHooksInBackground *bool    `env:"SNAPHOOK_RUN_HOOKS_IN_BACKGROUND" negatable:"" help:"Mode of hooks for which nobody chose one."`
	PluginsDir           *string  `env:"SNAPHOOK_PLUGINS_DIR" placeholder:"DIR" help:"Folder of the plugins loaded at start."`
	CacheDir             *string  `env:"SNAPHOOK_CACHE_DIR" placeholder:"DIR" help:"Folder of compiled modules; default: the user's cache."`
	CORSOrigins          []string `name:"cors-origins" env:"SNAPHOOK_CORS_ORIGINS" placeholder:"ORIGIN" help:"Origins of web pages that may call the API."`
}

// load reads the file with the overrides.
func (f overrideFlags) load(file string) (*config.Config, error) {
	c, err := config.Load(file, config.Options{Overrides: config.Overrides{
		Listen: f.Listen, Store: f.Store, Insecure: f.Insecure,
		RunHooksInBackground: f.RunHooksInBackground, PluginsDir: f.PluginsDir,
		CacheDir: f.CacheDir, CORSOrigins: f.CORSOrigins,
	}})
	var invalid *host.Error
	if errors.As(err, &invalid) {
		return nil, &fileError{file: file, err: err}
	}
	return c, err
}

// checkCommand is `snaphook config check`.
type checkCommand struct {
	File  string        `arg:"" help:"The configuration, host.yaml."`
	Flags overrideFlags `embed:""`
}

// Run prints "ok", or fails with every problem.
func (c *checkCommand) Run(s streams) error {
	if _, err := c.Flags.load(c.File); err != nil {
		return err
	}
	printf(s.Out, "ok\n")
	return nil
}

// fileError is an error in the content of a file.
type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string { return e.file + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// line words one problem as compilers do, so that editors find the place.
func (e *fileError) line(p host.Problem) string {
	place := e.file
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.file, p.Line)
	}
	p.Line = 0
	return place + ": " + p.String()
}
