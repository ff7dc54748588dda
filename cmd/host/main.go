// Command snaphook runs AI agents whose hooks are sandboxed WebAssembly.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/snaphook-dev/snaphook/host"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the command line.
type commands struct {
	Serve  serveCommand `cmd:"" help:"Run the host."`
	Config struct {
		Check checkCommand `cmd:"" help:"Say what is wrong with a configuration, without starting."`
	} `cmd:"" help:"Work with the configuration."`
	Migrate migrateCommand `cmd:"" help:"Bring the store's schema up to date, without starting."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streams are where a command writes: Out is for what was asked for, Err for
// logs and complaints.
type streams struct {
	Out io.Writer
	Err io.Writer
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cli commands
	code, exited := exitOK, false
	parser, err := kong.New(&cli,
		kong.Name("snaphook"),
		kong.Description("A host for AI agents whose hooks are sandboxed WebAssembly."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { code, exited = c, true }), // --help
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{Out: stdout, Err: stderr}),
	)
	if err != nil {
		return complain(stderr, err, exitFailed)
	}
	command, err := parser.Parse(args)
	switch {
	case exited:
		return code
	case err != nil:
		return complain(stderr, err, exitUsage)
	}
	if err := command.Run(); err != nil {
		return complain(stderr, err, exitFailed)
	}
	return exitOK
}

// complain prints an error for people, each problem of a file on its own line.
func complain(w io.Writer, err error, code int) int {
	var broken *fileError
	var problems *host.Error
	if !errors.As(err, &broken) || !errors.As(err, &problems) {
		printf(w, "snaphook: %v\n", err)
		return code
	}
	for _, p := range problems.Problems {
		printf(w, "%s\n", broken.line(p))
	}
	printf(w, "snaphook: %s\n", problems.Message)
	return code
}

// printf writes for people; a terminal that is gone cannot be told.
func printf(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format, args...)
}
