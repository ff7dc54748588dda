// Package metric counts what happens in the host and shows it to Prometheus.
//
// No label holds an id that grows with use: plugins, hooks, models and
// components are as many as the operator installed or configured.
package metric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/snaphook-dev/snaphook/host"
)

// namespace begins the name of every metric of the host's own.
const namespace = "snaphook"

// Config is what Metrics need.
type Config struct {
	// Version is the host's own, shown as a label.
	Version string
	// Backlog counts the background work that lies in the store, when somebody
	// asks.
	Backlog func(ctx context.Context) (host.Backlog, error)
	// Quarantined names the plugins in quarantine.
	Quarantined func() []string
	// Now defaults to time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Metrics are a host.Observer and the page that shows what it counted. They are
// safe for concurrent use.
type Metrics struct {
	runs
	models
	hooks
	plugins
	page http.Handler
}

var (
	_ host.Observer = (*Metrics)(nil)
	_ http.Handler  = (*Metrics)(nil)
)

// New checks the configuration.
func New(cfg Config) (*Metrics, error) {
	if cfg.Backlog == nil || cfg.Quarantined == nil || cfg.Log == nil {
		return nil, errors.New("new metrics: backlog, quarantined and log are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	registry := prometheus.NewRegistry()
	m := &Metrics{runs: newRuns(), models: newModels(), hooks: newHooks(), plugins: newPlugins()}
	own := [][]prometheus.Collector{
		m.runs.collectors(), m.models.collectors(), m.hooks.collectors(), m.plugins.collectors(),
		{
			newBacklog(cfg), newBuildInfo(cfg.Version),
			collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		},
	}
	for _, list := range own {
		for _, c := range list {
			if err := registry.Register(c); err != nil {
				return nil, fmt.Errorf("new metrics: %w", err)
			}
		}
	}
	m.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(cfg.Log.Handler(), slog.LevelError),
		ErrorHandling: promhttp.ContinueOnError, // a store that fails hides none of the rest
	})
	return m, nil
}

// ServeHTTP shows the metrics in the text format of Prometheus.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.page.ServeHTTP(w, r) }

func newBuildInfo(version string) prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, with the version of the host.",
	}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	return info
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
	}, labels)
}

// The buckets of durations, in seconds: of calls of guests, and of what waits
// for a model.
var (
	shortTimes = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 30}
	longTimes  = []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
)
