package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// queueWorkers carry out the jobs of a queue at once.
const queueWorkers = 10

// What hook calls that River moves are to keep of claims with SKIP LOCKED, and how
// long after its commit a call may start, in milliseconds.
var (
	leastOfSkipLocked = atLeast(0.7)
	mostRiverStartP50 = atMost(3)
)

// queue is a way to carry out jobs that wait in a database.
type queue struct {
	name string
	// open makes one with so many jobs that wait.
	open func(ctx context.Context, url string, jobs int) (openQueue, error)
	rate aim // of SKIP LOCKED
	p50  aim // of starts

	rates  []float64
	starts []time.Duration
}

// openQueue is a queue in a database of its own.
type openQueue interface {
	// work carries out the jobs that wait.
	work(ctx context.Context) error
	// start inserts one job into the idle queue and returns how long after its
	// commit it was started.
	start(ctx context.Context) (time.Duration, error)
	close() error
}

// queues compares hook calls that nobody holds, carried by River, with a plain
// queue and with River alone: jobs that wait are carried out until the last is
// over, and single ones start.
func (m *measurement) queues(ctx context.Context, c *cluster) error {
	all := []*queue{
		{name: "claim and finish with SKIP LOCKED", open: openSkipLocked},
		{name: "River alone, jobs of nothing", open: openBareRiver},
		{name: "hook calls by River, supervisor and pool", open: openHookCalls, rate: leastOfSkipLocked, p50: mostRiverStartP50},
	}
	for range m.rounds {
		for _, q := range all {
			if err := m.queueRound(ctx, c, q); err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
		}
	}
	fmt.Printf("\n%-46s %10s %15s %12s %12s\n", fmt.Sprintf("PostgreSQL, one by one, %d workers", queueWorkers),
		"jobs/s", "of SKIP LOCKED", "start p50", "start p99")
	for _, q := range all {
		q.print(all[0].rates)
	}
	return nil
}

func (q *queue) print(limit []float64) {
	ratio := median(ratios(q.rates, limit))
	fmt.Printf("%-46s %10.0f %14.2fx", q.name, median(q.rates), ratio)
	if len(q.starts) > 0 {
		p50, p99 := percentile(q.starts, 50), percentile(q.starts, 99)
		fmt.Printf(" %12v %12v", p50.Round(time.Microsecond), p99.Round(time.Microsecond))
		if v := q.rate.verdict(ratio); v != "" {
			fmt.Printf("  %s; ms: %s", v, q.p50.verdict(milliseconds(p50)))
		}
	}
	fmt.Println()
}

// queuePatience is far longer than a round takes: a job that fails would be waited
// for in vain.
const queuePatience = 5 * time.Minute

// queueRound measures a queue once in a fresh database.
func (m *measurement) queueRound(ctx context.Context, c *cluster, q *queue) error {
	return c.with(ctx, func(url string) (err error) {
		ctx, cancel := context.WithTimeout(ctx, queuePatience)
		defer cancel()
		jobs := 2 * m.drainedRuns()
		opened, err := q.open(ctx, url, jobs)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, opened.close()) }()
		time.Sleep(settle)
		begin := time.Now()
		if err := opened.work(ctx); err != nil {
			return err
		}
		q.rates = append(q.rates, perSecond(jobs, begin))
		time.Sleep(settle)
		return q.noteStarts(ctx, opened, max(20, m.many/1000))
	})
}

// noteStarts starts n jobs, one at a time.
func (q *queue) noteStarts(ctx context.Context, opened openQueue, n int) error {
	for range n {
		wait, err := opened.start(ctx)
		switch {
		case errors.Is(err, errNotTold):
			return nil
		case err != nil:
			return err
		}
		q.starts = append(q.starts, wait)
	}
	return nil
}

// errNotTold says that a queue's workers are not told of jobs: they would have to
// look again and again.
var errNotTold = errors.New("the workers are told of nothing")
