package metric_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/metric"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

var now = time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)

// config is that of a host without background work.
func config() metric.Config {
	return metric.Config{
		Version:     "1.2.3",
		Backlog:     func(context.Context) (host.Backlog, error) { return host.Backlog{}, nil },
		Quarantined: func() []string { return nil },
		Now:         func() time.Time { return now },
		Log:         slog.New(slog.DiscardHandler),
	}
}

func newMetrics(t *testing.T, cfg metric.Config) *metric.Metrics {
	t.Helper()
	m, err := metric.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// page returns the samples whose name begins with the prefix.
func page(t *testing.T, m *metric.Metrics, prefix string) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/-/metrics", nil))
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("status %d, %q", w.Code, w.Header().Get("Content-Type"))
	}
	var samples []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			samples = append(samples, strings.TrimSpace(line))
		}
	}
	return samples
}

func want(t *testing.T, m *metric.Metrics, prefix string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, page(t, m, prefix)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", prefix, diff)
	}
}

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*metric.Config){
		"backlog":     func(c *metric.Config) { c.Backlog = nil },
		"quarantined": func(c *metric.Config) { c.Quarantined = nil },
		"log":         func(c *metric.Config) { c.Log = nil },
	} {
		cfg := config()
		change(&cfg)
		if _, err := metric.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, config())
	agent := host.Component{Kind: host.KindAgent, ID: "a", Name: "A"}
	m.RunStarted(agent)
	m.RunStarted(agent)
	m.RunEnded(&host.Run{Component: agent, Status: host.RunError, Metrics: host.Metrics{Duration: 0.3}})
	want(t, m, "snaphook_runs_total", `snaphook_runs_total{component="a",kind="agent",status="ERROR"} 1`)
	want(t, m, "snaphook_runs_in_flight", `snaphook_runs_in_flight{component="a",kind="agent"} 1`)
	want(t, m, "snaphook_run_duration_seconds_sum", `snaphook_run_duration_seconds_sum{component="a",kind="agent"} 0.3`)
}

func TestModels(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, config())
	m.ModelAsked(host.ModelRequest{
		Model: "gpt", Provider: "OpenAI", Duration: time.Second,
		Usage: host.Metrics{InputTokens: 3, OutputTokens: -4},
	})
	m.ModelAsked(host.ModelRequest{Model: "gpt", Provider: "OpenAI", Duration: time.Second, Failed: true})
	want(t, m, "snaphook_model_requests_total",
		`snaphook_model_requests_total{model="gpt",provider="OpenAI",result="failed"} 1`,
		`snaphook_model_requests_total{model="gpt",provider="OpenAI",result="ok"} 1`)
	want(t, m, "snaphook_model_tokens_total", `snaphook_model_tokens_total{model="gpt",provider="OpenAI",type="input"} 3`)
	want(t, m, "snaphook_model_request_duration_seconds_sum",
		`snaphook_model_request_duration_seconds_sum{model="gpt",provider="OpenAI"} 2`)
}

// The four ways in which a hook does not simply allow are told apart.
func TestHookOutcomes(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, config())
	call := func(mode pluginapi.Mode, status host.HookCallStatus, outcome host.HookOutcome) *host.HookCall {
		return &host.HookCall{Plugin: "p", Hook: "h", Mode: mode, Status: status, Outcome: outcome, DurationMS: 2}
	}
	for _, outcome := range []host.HookOutcome{
		host.OutcomeAllowed, host.OutcomeDenied, host.OutcomeTransformed, host.OutcomeFailedClosed, host.OutcomeFailedOpen,
	} {
		ended := call(pluginapi.ModeBlocking, host.HookCallCompleted, outcome)
		m.HookStarted(ended)
		m.HookEnded(ended)
	}
	m.HookSkipped(call(pluginapi.ModeBlocking, host.HookCallSkipped, ""))
	cancelled := call(pluginapi.ModeBlocking, host.HookCallCancelled, "")
	m.HookStarted(cancelled)
	m.HookEnded(cancelled)
	background := call(pluginapi.ModeBackground, host.HookCallRunning, "")
	m.HookStarted(background)
	want(t, m, "snaphook_hook_calls_in_flight",
		`snaphook_hook_calls_in_flight{mode="background"} 1`, `snaphook_hook_calls_in_flight{mode="blocking"} 0`)
	m.HookEnded(background)
	want(t, m, "snaphook_hook_calls_total",
		`snaphook_hook_calls_total{hook="h",mode="background",outcome="failed",plugin="p"} 1`,
		`snaphook_hook_calls_total{hook="h",mode="blocking",outcome="allowed",plugin="p"} 1`,
		`snaphook_hook_calls_total{hook="h",mode="blocking",outcome="cancelled",plugin="p"} 1`,
		`snaphook_hook_calls_total{hook="h",mode="blocking",outcome="denied",plugin="p"} 1`,
		`snaphook_hook_calls_total{hook="h",mode="blocking",outcome="failed_closed",plugin="p"} 1`,
		`snaphook_hook_calls_total{hook="h",mode="blocking",outcome="failed_open",plugin="p"} 1`,
		`snaphook_hook_calls_total{hook="h",mode="blocking",outcome="skipped",plugin="p"} 1`,
		`snaphook_hook_calls_total{hook="h",mode="blocking",outcome="transformed",plugin="p"} 1`)
	want(t, m, "snaphook_hook_call_duration_seconds_count",
		`snaphook_hook_call_duration_seconds_count{hook="h",mode="background",plugin="p"} 1`,
		`snaphook_hook_call_duration_seconds_count{hook="h",mode="blocking",plugin="p"} 6`)
}

func TestSettledCalls(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, config())
	m.HookSettled(&host.HookCall{Plugin: "p", Hook: "h", Status: host.HookCallCompleted, Attempt: 1})
	m.HookSettled(&host.HookCall{Plugin: "p", Hook: "h", Status: host.HookCallDead, Attempt: 5})
	want(t, m, "snaphook_hook_calls_dead_total", `snaphook_hook_calls_dead_total{hook="h",plugin="p"} 1`)
	want(t, m, "snaphook_hook_call_attempts_sum", `snaphook_hook_call_attempts_sum{hook="h",plugin="p"} 6`)
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, config())
	m.PluginLoaded("p", time.Second, false)
	m.PluginLoaded("p", time.Second, true)
	want(t, m, "snaphook_plugin_loads_total",
		`snaphook_plugin_loads_total{plugin="p",result="failed"} 1`, `snaphook_plugin_loads_total{plugin="p",result="ok"} 1`)
	want(t, m, "snaphook_plugin_load_duration_seconds_sum", `snaphook_plugin_load_duration_seconds_sum{plugin="p"} 2`)
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	cfg := config()
	found := host.Backlog{}
	cfg.Backlog = func(context.Context) (host.Backlog, error) { return found, nil }
	cfg.Quarantined = func() []string { return []string{"broken"} }
	m := newMetrics(t, cfg)
	want(t, m, "snaphook_background_lag_seconds", "snaphook_background_lag_seconds 0")
	found = host.Backlog{Queued: 3, Running: 2, Dead: 1, Due: now.Add(-90 * time.Second), RunsPending: 5, RunsRunning: 4}
	want(t, m, "snaphook_background",
		`snaphook_background_calls{status="dead"} 1`, `snaphook_background_calls{status="queued"} 3`,
		`snaphook_background_calls{status="running"} 2`, `snaphook_background_lag_seconds 90`,
		`snaphook_background_runs{status="PENDING"} 5`, `snaphook_background_runs{status="RUNNING"} 4`)
	want(t, m, "snaphook_plugin_quarantined", `snaphook_plugin_quarantined{plugin="broken"} 1`)
	found.Due = now.Add(time.Minute)
	want(t, m, "snaphook_background_lag_seconds", "snaphook_background_lag_seconds 0")
}

func TestFailingStoreHidesNothingElse(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	cfg := config()
	cfg.Log = slog.New(slog.NewTextHandler(&logged, nil))
	cfg.Backlog = func(context.Context) (host.Backlog, error) { return host.Backlog{}, errors.New("disk gone") }
	m := newMetrics(t, cfg)
	want(t, m, "snaphook_background")
	want(t, m, "snaphook_build_info", `snaphook_build_info{version="1.2.3"} 1`)
	if !strings.Contains(logged.String(), "disk gone") {
		t.Errorf("logged %q", &logged)
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, config())
	for _, prefix := range []string{"go_goroutines", "process_start_time_seconds"} {
		if len(page(t, m, prefix)) != 1 {
			t.Errorf("no %s", prefix)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, config())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				call := &host.HookCall{Plugin: "p", Hook: "h", Mode: pluginapi.ModeBackground, Outcome: host.OutcomeAllowed}
				m.HookStarted(call)
				m.HookEnded(call)
			}
		})
	}
	for range 10 {
		page(t, m, "snaphook")
	}
	group.Wait()
	want(t, m, "snaphook_hook_calls_total",
		`snaphook_hook_calls_total{hook="h",mode="background",outcome="allowed",plugin="p"} 400`)
	want(t, m, "snaphook_hook_calls_in_flight", `snaphook_hook_calls_in_flight{mode="background"} 0`)
}
