package metric

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/snaphook-dev/snaphook/host"
)

// runs counts runs by their component.
type runs struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
}

func newRuns() runs {
	return runs{
		total: counter("runs_total", "Runs that ended, by their last status.", "kind", "component", "status"),
		duration: histogram("run_duration_seconds", "Duration of runs, without the time they waited for their session.",
			longTimes, "kind", "component"),
		inFlight: gauge("runs_in_flight", "Runs that have begun and not ended, those that wait for their session included.",
			"kind", "component"),
	}
}

func (r *runs) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.total, r.duration, r.inFlight}
}

// RunStarted implements host.Observer.
func (r *runs) RunStarted(c host.Component) {
	r.inFlight.WithLabelValues(string(c.Kind), c.ID).Inc()
}

// RunEnded implements host.Observer.
func (r *runs) RunEnded(run *host.Run) {
	kind, id := string(run.Component.Kind), run.Component.ID
	r.inFlight.WithLabelValues(kind, id).Dec()
	if !run.Status.Final() { // another worker goes on
		return
	}
	r.total.WithLabelValues(kind, id, string(run.Status)).Inc()
	r.duration.WithLabelValues(kind, id).Observe(run.Metrics.Duration)
}
