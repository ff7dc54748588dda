// Command bench measures the host beside its limits and its peer, in one run on
// one machine. Read the ratios: absolute figures are the machine's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	baseline := flag.String("baseline", "", "serve the bare handler, with its database in this `folder`")
	quick := flag.Bool("quick", false, "measure shortly, to see that everything works")
	only := flag.String("only", "", "measure one `part`: runs, background, store, start, restart, guests, memory, postgres, launch or nodes")
	flag.Parse()
	if *baseline != "" {
		return serveBaseline(ctx, *baseline)
	}
	dir, err := os.MkdirTemp("", "snaphook-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := &measurement{dir: dir, rounds: 5, span: 3 * time.Second, many: 100_000}
	if *quick {
		m.rounds, m.span, m.many = 1, 500*time.Millisecond, 2_000
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"runs", m.runs}, {"background", m.background}, {"store", m.stores}, {"start", m.starts}, {"restart", m.restarts},
		{"guests", m.guests}, {"memory", m.memory},
		{"postgres", m.postgres}, {"launch", m.launches}, {"nodes", m.nodes},
	} {
		if *only != "" && *only != part.name {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
