package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// What a run without hooks is to keep of the bare handler's.
var (
	leastRate   = atLeast(0.6)
	mostLatency = atMost(2)
)

// contestant is a server in a comparison, with its measurements.
type contestant struct {
	name          string
	start         func(ctx context.Context, dir string) (*server, error)
	rate, latency aim
	rounds        map[int]*rounds // by number of clients
}

// rounds are what a contestant reached in each round.
type rounds struct {
	rate     []float64
	p50, p99 []time.Duration
}

// runs compares whole runs over HTTP, each committed with synchronous=FULL, with
// the bare handler. All contestants take their turns in a round, each with a fresh
// server, so that what else the machine does meets all alike; the median counts, of
// ratios that of the ratios in each round. Rounds are short and many for that.
func (m *measurement) runs(ctx context.Context) error {
	contestants, clients := runContestants(), []int{1, 8}
	for range 2*m.rounds - 1 {
		for _, n := range clients {
			for _, c := range contestants {
				if err := m.round(ctx, c, n); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
		}
	}
	fmt.Printf("\n%-26s %8s %10s %10s %10s %16s %16s\n", "POST /agents/a/runs", "clients", "runs/s", "p50", "p99", "of bare runs/s", "of bare p50")
	for _, n := range clients {
		for _, c := range contestants {
			c.print(n, contestants[0].rounds[n])
		}
	}
	return nil
}

// runContestants are the bare handler and the host with different hooks.
func runContestants() []*contestant {
	const check = `{plugin: length-limit, config: {max_length: 1000}}`
	host := func(with setup) func(context.Context, string) (*server, error) {
		return func(ctx context.Context, dir string) (*server, error) { return startHost(ctx, dir, with) }
	}
	contestants := []*contestant{
		{name: "bare handler", start: startBaseline},
		{name: "no hooks", start: host(setup{}), rate: leastRate, latency: mostLatency},
		{name: "3 blocking hooks (C)", start: host(setup{hooks: check + ", " + check + ", " + check, plugins: []string{"length-limit"}})},
		{name: "3 background hooks (Go)", start: host(setup{
			hooks: `{plugin: request-log, mode: background}, {plugin: analytics, mode: background}`, plugins: []string{"request-log", "analytics"},
		})},
	}
	for _, c := range contestants {
		c.rounds = map[int]*rounds{}
	}
	return contestants
}

func (c *contestant) print(clients int, bare *rounds) {
	r := c.rounds[clients]
	rate, latency := median(ratios(r.rate, bare.rate)), median(ratios(r.p50, bare.p50))
	fmt.Printf("%-26s %8d %10.0f %10v %10v %15.2fx %15.2fx", c.name, clients, median(r.rate),
		median(r.p50).Round(time.Microsecond), median(r.p99).Round(time.Microsecond), rate, latency)
	if v := c.rate.verdict(rate); v != "" {
		fmt.Printf("  %s, %s", v, c.latency.verdict(latency))
	}
	fmt.Println()
}

// round measures one contestant with a fresh server.
func (m *measurement) round(ctx context.Context, c *contestant, clients int) error {
	dir, err := m.folder()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := c.start(ctx, dir)
	if err != nil {
		return err
	}
	time.Sleep(settle)
	l, err := generate(ctx, s.run(), clients, 0, m.span/2)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	c.add(clients, l)
	return s.stop()
}

func (c *contestant) add(clients int, l load) {
	r := c.rounds[clients]
	if r == nil {
		r = &rounds{}
		c.rounds[clients] = r
	}
	r.rate, r.p50, r.p99 = append(r.rate, l.perSecond()), append(r.p50, l.p50), append(r.p99, l.p99)
}
