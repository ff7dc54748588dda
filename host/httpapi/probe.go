package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The paths for those who watch the host: whether it lives, whether requests
// should be sent to it, and what it counted. They are served while the host
// drains. The first two ask nobody for a key.
const (
	pathHealth  = "/health"
	pathReady   = "/-/ready"
	pathMetrics = "/-/metrics"
)

func isProbe(r *http.Request) bool {
	path := strings.TrimSuffix(r.URL.Path, "/")
	return slices.Contains([]string{pathHealth, pathReady, pathMetrics}, path)
}

// ready answers 200 when requests should be sent here, else 503 with the reason.
func (a *api) ready(w http.ResponseWriter, r *http.Request) error {
	if a.gate.isShut() {
		return errStopping()
	}
	if err := a.check(r.Context()); err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ready"})
	return nil
}

func (a *api) showMetrics(w http.ResponseWriter, r *http.Request) error {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's recorder has none
	a.metrics.ServeHTTP(w, r)
	return nil
}
