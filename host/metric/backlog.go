package metric

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/snaphook-dev/snaphook/host"
)

// backlogTimeout bounds how long a look into the store may keep the page.
const backlogTimeout = 5 * time.Second

// backlog looks at the background work when somebody asks.
type backlog struct {
	cfg        Config
	calls      *prometheus.Desc
	runs       *prometheus.Desc
	lag        *prometheus.Desc
	quarantine *prometheus.Desc
}

func newBacklog(cfg Config) *backlog {
	name := func(name string) string { return prometheus.BuildFQName(namespace, "", name) }
	return &backlog{
		cfg: cfg,
		calls: prometheus.NewDesc(name("background_calls"),
			"Background hook calls in the store; dead ones wait for somebody to retry them.", []string{"status"}, nil),
		runs: prometheus.NewDesc(name("background_runs"),
			"Background runs in the store that have not ended; pending ones wait for a worker or for their session.",
			[]string{"status"}, nil),
		lag: prometheus.NewDesc(name("background_lag_seconds"),
			"How long the background call that waits longest is overdue; 0 when none is.", nil, nil),
		quarantine: prometheus.NewDesc(name("plugin_quarantined"),
			"1 for a plugin whose background calls are held back because they kept failing.", []string{"plugin"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (b *backlog) Describe(descs chan<- *prometheus.Desc) {
	descs <- b.calls
	descs <- b.runs
	descs <- b.lag
	descs <- b.quarantine
}

// Collect implements prometheus.Collector.
func (b *backlog) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, plugin := range b.cfg.Quarantined() {
		gauge(b.quarantine, 1, plugin)
	}
	ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
	defer cancel()
	found, err := b.cfg.Backlog(ctx)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(b.calls, err)
		return
	}
	gauge(b.calls, float64(found.Queued), "queued")
	gauge(b.calls, float64(found.Running), "running")
	gauge(b.calls, float64(found.Dead), "dead")
	gauge(b.runs, float64(found.RunsPending), string(host.RunPending))
	gauge(b.runs, float64(found.RunsRunning), string(host.RunRunning))
	lag := time.Duration(0)
	if !found.Due.IsZero() {
		lag = max(0, b.cfg.Now().Sub(found.Due))
	}
	gauge(b.lag, lag.Seconds())
}
