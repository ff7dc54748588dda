package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// How long after the request a run that waits for its model at another node is
// stored as cancelled, in milliseconds.
var (
	mostCancel     = atMost(50)   // 99 of 100
	mostDeafCancel = atMost(2500) // with no notification heard
)

// cancels measures cancels of runs of another node.
func (m *measurement) cancels(ctx context.Context, p *party) error {
	if err := p.fill(ctx); err != nil {
		return err
	}
	var took []time.Duration
	for i := range max(20, m.many/500) {
		runID, owner, err := p.launch(ctx, p.nodes[i%len(p.nodes)])
		if err != nil {
			return err
		}
		d, err := p.cancel(ctx, p.other(owner), runID)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	printNodes(fmt.Sprintf("cancel of another node's run, p99 of %d", len(took)), took, percentile(took, 99), mostCancel)
	return nil
}

// deafCancels measures the same while no node hears of anything.
func (m *measurement) deafCancels(ctx context.Context, p *party) error {
	deafening, stop := context.WithCancel(ctx)
	defer stop()
	var deaf errgroup.Group
	deaf.Go(func() error { return deafen(deafening, p.db) })
	took, err := m.spreadCancels(ctx, p)
	stop()
	if deafErr := deaf.Wait(); err == nil {
		err = deafErr
	}
	if err != nil {
		return err
	}
	printNodes(fmt.Sprintf("the same, notifications lost, most of %d", len(took)), took, percentile(took, 100), mostDeafCancel)
	return nil
}

// spreadCancels cancels runs one after another, at all moments between two beats.
func (m *measurement) spreadCancels(ctx context.Context, p *party) ([]time.Duration, error) {
	if err := p.fill(ctx); err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		took  []time.Duration
		group errgroup.Group
	)
	n := max(10, m.many/2000)
	for i := range n {
		runID, owner, err := p.launch(ctx, p.nodes[i%len(p.nodes)])
		if err != nil {
			return nil, err
		}
		group.Go(func() error {
			time.Sleep(time.Duration(i) * 2 * time.Second / time.Duration(n))
			d, err := p.cancel(ctx, p.other(owner), runID)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
			return err
		})
	}
	return took, group.Wait()
}

// cancel has a node cancel a run and returns how long after the request the run
// was stored as cancelled.
func (p *party) cancel(ctx context.Context, at *node, runID string) (time.Duration, error) {
	begin := time.Now()
	if _, err := at.server.cancel(runID).send(ctx, p.http); err != nil {
		return 0, err
	}
	err := p.ended(ctx, runID)
	return time.Since(begin), err
}

// deafen ends every connection that listens to the signals of nodes as soon as it
// does, until ctx ends.
func deafen(ctx context.Context, db *pgxpool.Pool) error {
	const query = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query = 'LISTEN snaphook'`
	for ctx.Err() == nil {
		if _, err := db.Exec(ctx, query); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// printNodes prints the middle and the greatest of what was measured, which is to
// keep the aim.
func printNodes(name string, took []time.Duration, most time.Duration, a aim) {
	round := 100 * time.Microsecond
	fmt.Printf("%-60s %10v %10v  ms: %s\n", name, median(took).Round(round), most.Round(round), a.verdict(milliseconds(most)))
}
