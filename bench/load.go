package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// load is one measurement of a server: a closed loop of clients, each with its
// own connection.
type load struct {
	runs     int
	elapsed  time.Duration
	p50, p99 time.Duration
}

func (l load) perSecond() float64 { return float64(l.runs) / l.elapsed.Seconds() }

// generate sends runs to target from so many clients for d, or until each has
// sent most when d is 0.
func generate(ctx context.Context, target string, clients, most int, d time.Duration) (load, error) {
	var (
		wait      sync.WaitGroup
		mu        sync.Mutex
		latencies []time.Duration
		failed    error
	)
	begin := time.Now()
	for range clients {
		wait.Go(func() {
			own, err := client(ctx, target, most, begin.Add(d))
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			failed = errors.Join(failed, err)
		})
	}
	wait.Wait()
	l := load{runs: len(latencies), elapsed: time.Since(begin)}
	if failed != nil || l.runs == 0 {
		return l, fmt.Errorf("load %s: %w", target, failed)
	}
	slices.Sort(latencies)
	l.p50, l.p99 = latencies[l.runs/2], latencies[l.runs*99/100]
	return l, nil
}

// client sends one run after another over one connection.
func client(ctx context.Context, target string, most int, until time.Time) ([]time.Duration, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	form := url.Values{"message": {"Hello there, how are you today?"}, "stream": {"false"}}.Encode()
	var latencies []time.Duration
	for most > 0 && len(latencies) < most || most == 0 && time.Now().Before(until) {
		begin := time.Now()
		if err := post(ctx, c, target, form); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(begin))
	}
	return latencies, nil
}

func post(ctx context.Context, c *http.Client, target, form string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
