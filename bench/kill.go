package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// mostTakeover is how long after a node was killed another one goes on with its
// runs, in milliseconds.
var mostTakeover = atMost(2000)

// runsAtKill are under way when a node is killed.
const runsAtKill = 12

// kills measures how long after a node was killed others go on with its runs.
func (m *measurement) kills(ctx context.Context, p *party) error {
	if err := p.trusted(ctx); err != nil {
		return err
	}
	var took []time.Duration
	for range m.rounds {
		d, err := p.killOne(ctx)
		if err != nil {
			return err
		}
		took = append(took, d...)
	}
	printNodes(fmt.Sprintf("from SIGKILL of a node until its run goes on, most of %d", len(took)), took, percentile(took, 100), mostTakeover)
	return nil
}

// trusted waits until nodes judge each other: after its start a database has not
// seen all of them yet.
func (p *party) trusted(ctx context.Context) error {
	var young time.Duration
	const query = `SELECT interval '12 seconds' - (clock_timestamp() - pg_postmaster_start_time())`
	if err := p.db.QueryRow(ctx, query).Scan(&young); err != nil {
		return err
	}
	time.Sleep(young)
	return nil
}

// killOne kills a node that has runs, and returns how long each of them took to go
// on.
func (p *party) killOne(ctx context.Context) ([]time.Duration, error) {
	if err := p.fill(ctx); err != nil {
		return nil, err
	}
	runs := map[*node][]string{}
	var victim *node
	for i := range runsAtKill {
		runID, owner, err := p.launch(ctx, p.nodes[i%len(p.nodes)])
		if err != nil {
			return nil, err
		}
		runs[owner] = append(runs[owner], runID)
		if len(runs[owner]) > len(runs[victim]) {
			victim = owner
		}
	}
	killed := time.Now()
	if err := victim.kill(); err != nil {
		return nil, err
	}
	p.nodes = slices.DeleteFunc(p.nodes, func(n *node) bool { return n == victim })
	var took []time.Duration
	for _, runID := range runs[victim] {
		event, err := p.event(ctx, runID, host.EventRunContinued)
		if err != nil {
			return nil, err
		}
		took = append(took, event.At.Sub(killed))
	}
	return took, p.cancelAll(ctx, runs)
}

// cancelAll ends the runs.
func (p *party) cancelAll(ctx context.Context, runs map[*node][]string) error {
	var errs []error
	for _, ids := range runs {
		for _, runID := range ids {
			_, err := p.cancel(ctx, p.nodes[0], runID)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
