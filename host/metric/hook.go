package metric

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/snaphook-dev/snaphook/host"
)

// The outcomes beside those of host.HookOutcome: of a hook that was not called,
// of a background attempt that failed, and of a call whose run ended meanwhile.
const (
	outcomeSkipped   = "skipped"
	outcomeFailed    = "failed"
	outcomeCancelled = "cancelled"
)

// hooks counts hook calls by their plugin.
type hooks struct {
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	dead     *prometheus.CounterVec
	attempts *prometheus.HistogramVec
}

func newHooks() hooks {
	return hooks{
		calls: counter("hook_calls_total",
			"Attempts to call a hook, and hooks that were skipped. denied is a decision of the hook; "+
				"failed_closed is a hook that failed and so denied, failed_open one that failed and let pass.",
			"plugin", "hook", "mode", "outcome"),
		duration: histogram("hook_call_duration_seconds", "Duration of attempts to call a hook.",
			shortTimes, "plugin", "hook", "mode"),
		inFlight: gauge("hook_calls_in_flight", "Hooks that are being called.", "mode"),
		dead: counter("hook_calls_dead_total", "Background calls whose last attempt failed on this node.",
			"plugin", "hook"),
		attempts: histogram("hook_call_attempts", "Attempts that background calls took to their end.",
			[]float64{1, 2, 3, 4, 5, 10, 20}, "plugin", "hook"),
	}
}

func (h *hooks) collectors() []prometheus.Collector {
	return []prometheus.Collector{h.calls, h.duration, h.inFlight, h.dead, h.attempts}
}

// HookStarted implements host.Observer.
func (h *hooks) HookStarted(call *host.HookCall) {
	h.inFlight.WithLabelValues(string(call.Mode)).Inc()
}

// HookEnded implements host.Observer.
func (h *hooks) HookEnded(call *host.HookCall) {
	h.inFlight.WithLabelValues(string(call.Mode)).Dec()
	h.count(call, outcome(call))
	h.duration.WithLabelValues(call.Plugin, call.Hook, string(call.Mode)).Observe(call.DurationMS / 1000)
}

// HookSkipped implements host.Observer.
func (h *hooks) HookSkipped(call *host.HookCall) { h.count(call, outcomeSkipped) }

// HookSettled implements host.Observer.
func (h *hooks) HookSettled(call *host.HookCall) {
	if call.Status == host.HookCallDead {
		h.dead.WithLabelValues(call.Plugin, call.Hook).Inc()
	}
	h.attempts.WithLabelValues(call.Plugin, call.Hook).Observe(float64(call.Attempt))
}

func (h *hooks) count(call *host.HookCall, outcome string) {
	h.calls.WithLabelValues(call.Plugin, call.Hook, string(call.Mode), outcome).Inc()
}

func outcome(call *host.HookCall) string {
	switch {
	case call.Outcome != "":
		return string(call.Outcome)
	case call.Status == host.HookCallCancelled:
		return outcomeCancelled
	}
	return outcomeFailed
}
