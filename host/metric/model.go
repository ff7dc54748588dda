package metric

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/snaphook-dev/snaphook/host"
)

// models counts requests to models.
type models struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
}

func newModels() models {
	return models{
		requests: counter("model_requests_total", "Requests to models, repeats within one not counted.",
			"provider", "model", "result"),
		duration: histogram("model_request_duration_seconds", "Duration of requests to models, to the end of the answer.",
			longTimes, "provider", "model"),
		tokens: counter("model_tokens_total", "Tokens as the model counted them; those from its cache are also input.",
			"provider", "model", "type"),
	}
}

func (m *models) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.duration, m.tokens}
}

// ModelAsked implements host.Observer.
func (m *models) ModelAsked(r host.ModelRequest) {
	m.requests.WithLabelValues(r.Provider, r.Model, result(r.Failed)).Inc()
	m.duration.WithLabelValues(r.Provider, r.Model).Observe(r.Duration.Seconds())
	for _, t := range []struct {
		kind  string
		count int64
	}{
		{"input", r.Usage.InputTokens},
		{"output", r.Usage.OutputTokens},
		{"reasoning", r.Usage.ReasoningTokens},
		{"cache_read", r.Usage.CacheReadTokens},
	} {
		if t.count > 0 { // a server may send anything, and a counter cannot fall
			m.tokens.WithLabelValues(r.Provider, r.Model, t.kind).Add(float64(t.count))
		}
	}
}

func result(failed bool) string {
	if failed {
		return "failed"
	}
	return "ok"
}
