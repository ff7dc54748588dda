package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/signal"
	"syscall"
)

// serveCommand is `snaphook serve`.
type serveCommand struct {
	ConfigFile string        `name:"config" required:"" env:"SNAPHOOK_CONFIG" placeholder:"FILE" help:"The configuration, host.yaml."`
	Flags      overrideFlags `embed:""`
	LogLevel   slog.Level    `env:"SNAPHOOK_LOG_LEVEL" default:"INFO" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error."`
}

// Run serves until the process is told to stop. The first signal stops softly;
// a second one ends the process.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	cfg, err := c.Flags.load(c.ConfigFile)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	log := slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: c.LogLevel}))
	if err := serve(ctx, cfg, log, func(address string) { announce(s.Out, address, cfg) }); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
