package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// measurement holds how long and how often is measured.
type measurement struct {
	dir    string
	rounds int
	span   time.Duration
	many   int
}

// folder makes an empty one for a server's database.
func (m *measurement) folder() (string, error) { return os.MkdirTemp(m.dir, "server-") }

// contestant is a server in a comparison, with its measurements by round.
type contestant struct {
	name  string
	start func(ctx context.Context, dir string) (*server, error)
	loads map[int][]load // by number of clients
}

// runs compares whole runs over HTTP, each committed with synchronous=FULL, with
// the bare handler. Rounds alternate; the median counts.
func (m *measurement) runs(ctx context.Context) error {
	host := func(hooks string) func(context.Context, string) (*server, error) {
		return func(ctx context.Context, dir string) (*server, error) { return startHost(ctx, dir, hooks) }
	}
	blocking := `{plugin: length-limit, config: {max_length: 1000}}`
	contestants := []*contestant{
		{name: "bare handler", start: startBaseline},
		{name: "no hooks", start: host("")},
		{name: "3 blocking hooks (C)", start: host(blocking + ", " + blocking + ", " + blocking)},
		{name: "3 background hooks (Go)", start: host(`{plugin: request-log, mode: background}, {plugin: analytics, mode: background}`)},
	}
	clients := []int{1, 8}
	for _, c := range contestants {
		c.loads = map[int][]load{}
	}
	for range m.rounds {
		for _, c := range contestants {
			if err := m.round(ctx, c, clients); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	fmt.Printf("\n%-26s %8s %10s %10s %10s %14s %12s\n", "POST /agents/a/runs", "clients", "runs/s", "p50", "p99", "of bare runs/s", "of bare p50")
	for _, n := range clients {
		bare := median(contestants[0].loads[n])
		for _, c := range contestants {
			l := median(c.loads[n])
			fmt.Printf("%-26s %8d %10.0f %10v %10v %13.2fx %11.2fx\n", c.name, n, l.perSecond(),
				l.p50.Round(time.Microsecond), l.p99.Round(time.Microsecond),
				l.perSecond()/bare.perSecond(), float64(l.p50)/float64(bare.p50))
		}
	}
	return nil
}

// round measures one contestant with a fresh server.
func (m *measurement) round(ctx context.Context, c *contestant, clients []int) error {
	dir, err := m.folder()
	if err != nil {
		return err
	}
	s, err := c.start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, n := range clients {
		time.Sleep(settle)
		l, err := generate(ctx, s.base+"/agents/a/runs", n, 0, m.span)
		if err != nil {
			return errors.Join(err, s.stop())
		}
		c.loads[n] = append(c.loads[n], l)
	}
	return s.stop()
}

// median is the load whose rate is in the middle.
func median(loads []load) load {
	sorted := slices.Clone(loads)
	slices.SortFunc(sorted, func(a, b load) int { return int(a.perSecond() - b.perSecond()) })
	return sorted[len(sorted)/2]
}

// background measures what two background calls add to a run when they are
// drained inside the measurement, beside two calls of the same guest alone.
func (m *measurement) background(ctx context.Context) error {
	const hook = `{plugin: length-limit, config: {max_length: 1000}, mode: background}`
	g := guests()[0]
	alone, err := m.callAlone(ctx, g)
	if err != nil {
		return err
	}
	n := max(200, m.many/50)
	var without, with []time.Duration
	for range m.rounds {
		for _, v := range []struct {
			hooks string
			into  *[]time.Duration
		}{{"", &without}, {hook + ", " + hook, &with}} {
			d, err := m.drained(ctx, v.hooks, n)
			if err != nil {
				return err
			}
			*v.into = append(*v.into, d/time.Duration(n))
		}
	}
	slices.Sort(without)
	slices.Sort(with)
	a, b := without[len(without)/2], with[len(with)/2]
	fmt.Printf("\n%d runs from 8 clients, drained, per run: no hooks %v, two background hooks (C) %v\n", n, a, b)
	fmt.Printf("two background hooks add %v; two calls of the guest alone, on all cores, take %v: %.2fx\n",
		b-a, 2*alone, float64(b-a)/float64(2*alone))
	return nil
}

// callAlone is the time of one call of the guest through the runtime, with as
// many at once as there are cores.
func (m *measurement) callAlone(ctx context.Context, g guest) (time.Duration, error) {
	wasm, err := os.ReadFile(g.module)
	if err != nil {
		return 0, err
	}
	input, err := g.document()
	if err != nil {
		return 0, err
	}
	c, done, err := ours(ctx, g, wasm, filepath.Join(m.dir, "modules"))
	if err != nil {
		return 0, err
	}
	defer done()
	return timedOnAllCores(ctx, m.span, input, c)
}

// drained sends n runs and returns when the last background call is over.
func (m *measurement) drained(ctx context.Context, hooks string, n int) (time.Duration, error) {
	dir, err := m.folder()
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := startHost(ctx, dir, hooks)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	_, err = generate(ctx, s.base+"/agents/a/runs", 8, n/8, 0)
	// A host that stops drains its pool first.
	err = errors.Join(err, s.stop())
	return time.Since(begin), err
}

func (m *measurement) guests(ctx context.Context) error {
	rows, err := measureGuests(ctx, m.dir, m.span)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-18s %14s %14s %10s %14s %10s\n", "one hook call, 1 KB", "raw wazero", "runtime", "of raw", "go-sdk fresh", "of go-sdk")
	for _, r := range rows {
		fmt.Printf("%-18s %14v %14v %9.2fx", r.language, r.limit, r.ours, float64(r.ours)/float64(r.limit))
		if r.peer > 0 {
			fmt.Printf(" %14v %9.2fx", r.peer, float64(r.ours)/float64(r.peer))
		}
		fmt.Println()
	}
	return nil
}

// memory is the host's resident memory after many runs without a plugin.
func (m *measurement) memory(ctx context.Context) error {
	dir, err := m.folder()
	if err != nil {
		return err
	}
	s, err := startHost(ctx, dir, "")
	if err != nil {
		return err
	}
	l, err := generate(ctx, s.base+"/agents/a/runs", 8, m.many/8, 0)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	rss, err := s.rss()
	fmt.Printf("\n%d runs without plugins: RSS %d MB\n", l.runs, rss>>20)
	return errors.Join(err, s.stop())
}
