// Command bench measures the host beside its limits and its peer, in one run on
// one machine. Read the ratios: absolute figures are the machine's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"time"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	baseline := flag.String("baseline", "", "serve the bare handler, with its database in this `folder`")
	quick := flag.Bool("quick", false, "measure shortly, to see that everything works")
	only := flag.String("only", "", "measure one `part`: runs, background, store, start, restart, guests, memory, postgres, launch or nodes")
	profile := flag.String("profile", "", "write a CPU profile of this process, not of the hosts it starts, to this `file`")
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
	if *profile == "" {
		return m.measure(ctx, *only)
	}
	return profiled(*profile, func() error { return m.measure(ctx, *only) })
}

// profiled writes to a file what the CPU does for act.
func profiled(name string, act func() error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = act()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}
