package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// measurement holds how long and how often is measured.
type measurement struct {
	dir    string
	rounds int
	span   time.Duration
	many   int
}

// measure measures all parts, or one.
func (m *measurement) measure(ctx context.Context, only string) error {
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"runs", m.runs}, {"background", m.background}, {"store", m.stores}, {"start", m.starts}, {"restart", m.restarts},
		{"guests", m.guests}, {"memory", m.memory},
		{"postgres", m.postgres}, {"launch", m.launches}, {"nodes", m.nodes},
	} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// folder makes an empty one for a database.
func (m *measurement) folder() (string, error) { return os.MkdirTemp(m.dir, "database-") }

// settle lets the machine come to rest between two measurements.
const settle = 200 * time.Millisecond

// median is the value in the middle.
func median[T cmp.Ordered](values []T) T { return percentile(values, 50) }

// percentile is the value that so many percent of the values do not exceed.
func percentile[T cmp.Ordered](values []T, percent int) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

// ratios divides the values of one side by the other's of the same round.
func ratios[T ~int64 | ~float64](ours, theirs []T) []float64 {
	out := make([]float64, len(ours))
	for i := range ours {
		out[i] = float64(ours[i]) / float64(theirs[i])
	}
	return out
}
