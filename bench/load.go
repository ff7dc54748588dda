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

// request is one of many that are alike.
type request struct {
	target, form string
	want         int // the status of its answer
}

// message is what every run is asked.
const message = "Hello there, how are you today?"

// run asks for a run whose end is waited for.
func (s *server) run() request {
	form := url.Values{"message": {message}, "stream": {"false"}}
	return request{s.base + "/agents/a/runs", form.Encode(), http.StatusOK}
}

// launch asks for a run in the background.
func (s *server) launch() request {
	form := url.Values{"message": {message}, "stream": {"false"}, "background": {"true"}}
	return request{s.base + "/agents/a/runs", form.Encode(), http.StatusAccepted}
}

// cancel asks for the end of a run.
func (s *server) cancel(runID string) request {
	return request{s.base + "/agents/a/runs/" + runID + "/cancel", "", http.StatusOK}
}

// generate sends a request from so many clients for d, or until each has sent most
// when d is 0.
func generate(ctx context.Context, r request, clients, most int, d time.Duration) (load, error) {
	var (
		wait      sync.WaitGroup
		mu        sync.Mutex
		latencies []time.Duration
		failed    error
	)
	begin := time.Now()
	for range clients {
		wait.Go(func() {
			own, err := client(ctx, r, most, begin.Add(d))
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			failed = errors.Join(failed, err)
		})
	}
	wait.Wait()
	l := load{runs: len(latencies), elapsed: time.Since(begin)}
	if failed != nil || l.runs == 0 {
		return l, fmt.Errorf("load %s: %w", r.target, failed)
	}
	slices.Sort(latencies)
	l.p50, l.p99 = latencies[l.runs/2], latencies[l.runs*99/100]
	return l, nil
}

// client sends one request after another over one connection.
func client(ctx context.Context, r request, most int, until time.Time) ([]time.Duration, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	var latencies []time.Duration
	for most > 0 && len(latencies) < most || most == 0 && time.Now().Before(until) {
		begin := time.Now()
		if _, err := r.send(ctx, c); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(begin))
	}
	return latencies, nil
}

// send returns the body of the answer.
func (r request) send(ctx context.Context, c *http.Client) ([]byte, error) {
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, r.target, strings.NewReader(r.form))
	if err != nil {
		return nil, err
	}
	sent.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.Do(sent)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != r.want {
		err = fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	return body, err
}
