package metric

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// plugins counts what happens to modules.
type plugins struct {
	loads    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newPlugins() plugins {
	return plugins{
		loads: counter("plugin_loads_total", "Modules that were loaded: compiled, or taken from the cache.",
			"plugin", "result"),
		duration: histogram("plugin_load_duration_seconds", "Duration of loading a module.", longTimes, "plugin"),
	}
}

func (p *plugins) collectors() []prometheus.Collector {
	return []prometheus.Collector{p.loads, p.duration}
}

// PluginLoaded implements host.Observer.
func (p *plugins) PluginLoaded(plugin string, took time.Duration, failed bool) {
	p.loads.WithLabelValues(plugin, result(failed)).Inc()
	p.duration.WithLabelValues(plugin).Observe(took.Seconds())
}
