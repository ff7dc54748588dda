package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// mostAdded is what two background hooks may add to a run, beside two calls of
// their guest and their rows.
var mostAdded = atMost(1.3)

// additions are what one round found, each per run.
type additions struct {
	without, with time.Duration // whole runs
	calls, rows   time.Duration // what the hooks cannot do without
}

// ratio is what the hooks add by what they cannot do without.
func (a additions) ratio() float64 { return float64(a.with-a.without) / float64(a.calls+a.rows) }

// background measures what two background calls add to a run when they are
// drained inside the measurement, beside two calls of the same guest alone and
// what writing and finishing two calls costs the store alone.
func (m *measurement) background(ctx context.Context) error {
	all := make([]additions, m.rounds)
	for i := range all {
		if err := m.addition(ctx, &all[i]); err != nil {
			return err
		}
	}
	of := func(take func(additions) time.Duration) time.Duration {
		var values []time.Duration
		for _, a := range all {
			values = append(values, take(a))
		}
		return median(values).Round(time.Microsecond)
	}
	var ratio []float64
	for _, a := range all {
		ratio = append(ratio, a.ratio())
	}
	fmt.Printf("\n%-44s %10s\n", "two background hooks (C), 8 clients, drained", "per run")
	for _, row := range []struct {
		name string
		take func(additions) time.Duration
	}{
		{"runs without hooks", func(a additions) time.Duration { return a.without }},
		{"runs with two background hooks", func(a additions) time.Duration { return a.with }},
		{"added", func(a additions) time.Duration { return a.with - a.without }},
		{"two calls of the guest alone, on all cores", func(a additions) time.Duration { return a.calls }},
		{"rows of two calls and their context, alone", func(a additions) time.Duration { return a.rows }},
	} {
		fmt.Printf("%-44s %10v\n", row.name, of(row.take))
	}
	fmt.Printf("%-44s %9.2fx  %s\n", "added / (calls + rows)", median(ratio), mostAdded.verdict(median(ratio)))
	return nil
}

// addition is one round of background.
func (m *measurement) addition(ctx context.Context, a *additions) (err error) {
	if a.without, err = m.drained(ctx, setup{}); err != nil {
		return err
	}
	if a.with, err = m.drained(ctx, setup{hooks: noteHook + ", " + noteHook, plugins: []string{noteName}}); err != nil {
		return err
	}
	if a.calls, err = m.callAlone(ctx, guests()[0]); err != nil {
		return err
	}
	a.calls *= 2
	a.rows, err = m.rowsAlone(ctx)
	return err
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
	return timedOnAllCores(ctx, m.span/3, input, c)
}

// rowsAlone is what two calls add to a run in the store: to be inserted with it,
// with the context they share, started and finished.
func (m *measurement) rowsAlone(ctx context.Context) (time.Duration, error) {
	var took [2]time.Duration
	for i, calls := range []int{0, 2} {
		s, err := m.openStore(ctx, calls, true)
		if err != nil {
			return 0, err
		}
		s.context = bytes.Repeat([]byte("x"), 1<<10)
		begin := time.Now()
		n, err := repeat(ctx, 8, m.span/3, s.finish)
		s.drain()
		took[i] = time.Since(begin) / time.Duration(max(1, n))
		if err = errors.Join(err, s.close()); err != nil {
			return 0, err
		}
	}
	return took[1] - took[0], nil
}

// drainedRuns is how many runs are sent where all of their work is waited for.
func (m *measurement) drainedRuns() int { return max(200, m.many/50) }

// drained sends runs and returns the time of each until the last background call
// is over.
func (m *measurement) drained(ctx context.Context, with setup) (time.Duration, error) {
	dir, err := m.folder()
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := startHost(ctx, dir, with)
	if err != nil {
		return 0, err
	}
	time.Sleep(settle)
	n := m.drainedRuns() / 8
	begin := time.Now()
	_, err = generate(ctx, s.run(), 8, n, 0)
	// A host that stops drains its pool first.
	err = errors.Join(err, s.stop())
	return time.Since(begin) / time.Duration(8*n), err
}
