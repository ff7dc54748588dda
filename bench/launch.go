package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// launchedStore is a store with the rates of runs on it: those whose end the
// client waits for, and those in the background.
type launchedStore struct {
	name                   string
	foreground, background []float64
}

// launches compares background runs, from the first request until the last run has
// ended, with as many whose client waits, on both stores.
func (m *measurement) launches(ctx context.Context) (err error) {
	c, err := openCluster(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	onSQLite, onPostgres := launchedStore{name: "SQLite"}, launchedStore{name: "PostgreSQL"}
	for range m.rounds {
		if err := m.launchRound(ctx, "", &onSQLite); err != nil {
			return fmt.Errorf("SQLite: %w", err)
		}
		err := c.with(ctx, func(url string) error { return m.launchRound(ctx, url, &onPostgres) })
		if err != nil {
			return fmt.Errorf("PostgreSQL: %w", err)
		}
	}
	fmt.Printf("\n%-46s %10s %14s\n", "runs of echo without hooks, 8 clients, all over", "runs/s", "of foreground")
	for _, s := range []launchedStore{onSQLite, onPostgres} {
		fmt.Printf("%-46s %10.0f %13.2fx\n", s.name+", foreground", median(s.foreground), 1.0)
		fmt.Printf("%-46s %10.0f %13.2fx\n", s.name+", background", median(s.background),
			median(ratios(s.background, s.foreground)))
	}
	return nil
}

// launchRound measures one store with a fresh host.
func (m *measurement) launchRound(ctx context.Context, url string, into *launchedStore) error {
	dir, err := m.folder()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := startHost(ctx, dir, setup{store: url})
	if err != nil {
		return err
	}
	for _, side := range []struct {
		request request
		rates   *[]float64
	}{{s.run(), &into.foreground}, {s.launch(), &into.background}} {
		time.Sleep(settle)
		rate, err := m.endedRate(ctx, s, side.request)
		if err != nil {
			return errors.Join(err, s.stop())
		}
		*side.rates = append(*side.rates, rate)
	}
	return s.stop()
}

// endedRate is how many of the runs that eight clients ask for end in a second.
func (m *measurement) endedRate(ctx context.Context, s *server, r request) (float64, error) {
	begin := time.Now()
	l, err := generate(ctx, r, 8, m.drainedRuns()/8, 0)
	for open := true; open && err == nil; {
		if open, err = s.hasOpenRuns(ctx); open {
			time.Sleep(10 * time.Millisecond)
		}
	}
	return perSecond(l.runs, begin), err
}

// hasOpenRuns reports whether a background run has not ended.
func (s *server) hasOpenRuns(ctx context.Context) (bool, error) {
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/-/metrics", http.NoBody)
	if err != nil {
		return false, err
	}
	response, err := new(http.Client).Do(asked)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		return false, err
	}
	const gauge = `snaphook_background_runs{status="`
	if !strings.Contains(string(page), gauge) {
		return false, errors.New("the host does not tell of its background runs")
	}
	return !strings.Contains(string(page), gauge+`PENDING"} 0`) || !strings.Contains(string(page), gauge+`RUNNING"} 0`), nil
}
