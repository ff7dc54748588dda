package river_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/river"
)

// BenchmarkStart measures the time from before the transaction that inserts a job
// to its start by a client that is idle.
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
	for range 20 { // until it listens
		f.insert(b, host.Job{Kind: host.JobRun, ID: "first"})
		<-begun
	}
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
