package river_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/river"
)

// BenchmarkStart measures the time from the insert of a job to its start on
// another client of an idle system.
func BenchmarkStart(b *testing.B) {
	f := newFixture(b)
	begun := make(chan time.Time)
	f.start(b, "node", river.Handler{
		Run: func(context.Context, string) error {
			begun <- time.Now()
			return nil
		},
		HookCall: func(context.Context, string, string) (time.Duration, error) { return 0, nil },
	}, nil)
	f.insert(b, host.Job{Kind: host.JobRun, ID: "first"})
	<-begun
	var took []time.Duration
	for b.Loop() {
		at := time.Now()
		f.insert(b, host.Job{Kind: host.JobRun, ID: "a"})
		took = append(took, (<-begun).Sub(at))
	}
	slices.Sort(took)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99} {
		b.ReportMetric(took[int(share*float64(len(took)-1))].Seconds()*1e3, name)
	}
}
