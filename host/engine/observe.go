package engine

import (
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// ended tells whoever watches how the run ended, and nothing of what was said in
// it. A background run that another worker goes on with is not final.
func (x *execution) ended() {
	x.observer.RunEnded(&x.run)
	if !x.run.Status.Final() {
		return
	}
	x.log.Info("run ended", "run_id", x.run.ID, "session_id", x.run.SessionID,
		"kind", x.run.Component.Kind, "component", x.run.Component.ID, "status", x.run.Status,
		"duration", time.Duration(x.run.Metrics.Duration*float64(time.Second)))
}

// modelAsked tells of a request to the model that began then.
func (x *execution) modelAsked(began time.Time, usage host.Metrics, err error) {
	info := x.model.Info()
	x.observer.ModelAsked(host.ModelRequest{
		Model: info.ID, Provider: info.Provider, Duration: x.now().Sub(began), Usage: usage, Failed: err != nil,
	})
}
