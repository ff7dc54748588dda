package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// What a node that hands calls to its own pool is to keep of the limit with eight
// clients, and how long after its commit a call may start, in milliseconds.
var (
	leastOfPipeline  = atLeast(0.35)
	mostPoolStartP50 = atMost(0.2)
	mostPoolStartP99 = atMost(3)
)

// poolClients are so many clients, with what they reached in each round.
type poolClients struct {
	clients        int
	limit, ours    []float64
	startP50       []time.Duration
	startP99       []time.Duration
	rate, p50, p99 aim
}

// pools compares runs whose calls are handed to the pool of their node, until the
// last call is over, with the same rows in a plain transaction each.
func (m *measurement) pools(ctx context.Context, c *cluster) error {
	all := []*poolClients{
		{clients: 1},
		{clients: 8, rate: leastOfPipeline, p50: mostPoolStartP50, p99: mostPoolStartP99},
	}
	for range m.rounds {
		for _, p := range all {
			if err := m.poolRound(ctx, c, p); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\n%-46s %8s %10s %10s %12s %12s\n", "PostgreSQL, a run of 4 KB and 2 calls", "clients", "runs/s", "of limit", "start p50", "start p99")
	for _, p := range all {
		p.print()
	}
	return nil
}

func (p *poolClients) print() {
	ratio, p50, p99 := median(ratios(p.ours, p.limit)), median(p.startP50), median(p.startP99)
	fmt.Printf("%-46s %8d %10.0f %9.2fx\n", "pipelined transaction, no notification", p.clients, median(p.limit), 1.0)
	fmt.Printf("%-46s %8d %10.0f %9.2fx %12v %12v", "calls by the pool, all over", p.clients, median(p.ours), ratio,
		p50.Round(time.Microsecond), p99.Round(time.Microsecond))
	if v := p.rate.verdict(ratio); v != "" {
		fmt.Printf("  %s; ms: %s, %s", v, p.p50.verdict(milliseconds(p50)), p.p99.verdict(milliseconds(p99)))
	}
	fmt.Println()
}

// poolRound measures both sides once, each in a fresh database.
func (m *measurement) poolRound(ctx context.Context, c *cluster, p *poolClients) error {
	err := c.with(ctx, func(url string) error {
		r, err := m.pipelineRate(ctx, url, p.clients)
		p.limit = append(p.limit, r)
		return err
	})
	if err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	return c.with(ctx, func(url string) error {
		r, waits, err := m.poolRate(ctx, url, p.clients)
		if err != nil {
			return err
		}
		p.ours = append(p.ours, r)
		p.startP50, p.startP99 = append(p.startP50, percentile(waits, 50)), append(p.startP99, percentile(waits, 99))
		return nil
	})
}

// poolRate is how many runs a node finishes in a second with all their calls, and
// how long after its commit each call started.
func (m *measurement) poolRate(ctx context.Context, url string, clients int) (rate float64, waits []time.Duration, err error) {
	var noted notedWaits
	w, err := openWorker(ctx, url, 512, noted.add)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	stop, err := w.start(ctx, 0)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	_, warm := repeat(ctx, clients, settle, w.handOver)
	if err := errors.Join(warm, w.drain(ctx)); err != nil {
		return 0, nil, err
	}
	noted.take()
	begin := time.Now()
	n, err := repeat(ctx, clients, m.span/3, w.handOver)
	err = errors.Join(err, w.drain(ctx)) // the last call counts too
	return perSecond(n, begin), noted.take(), err
}

// notedWaits are the times from commits, which are the contexts of calls, to the
// starts of the calls.
type notedWaits struct {
	mu    sync.Mutex
	waits []time.Duration
}

func (n *notedWaits) add(committed []byte) {
	wait := time.Since(time.Unix(0, int64(binary.NativeEndian.Uint64(committed))))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waits = append(n.waits, wait)
}

// take returns what was noted and forgets it.
func (n *notedWaits) take() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	waits := n.waits
	n.waits = nil
	return waits
}
