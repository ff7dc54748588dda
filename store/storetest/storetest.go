// Package storetest is the suite every host.Store must pass.
//
// A store's test calls [Run] with a function that opens an empty store. What a
// store cannot do is declared by naming the [Feature]; the suite then checks what
// the port promises of such a store instead.
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// Feature is something a store may lack.
type Feature string

// ManyNodes says that several processes may open the store at once, so an owner
// lives as long as its lease. A store that lacks it takes every owner but itself for dead.
const ManyNodes Feature = "many nodes"

// Run runs the suite. open returns an empty store and closes it when the test
// ends; it is called by many tests at once.
func Run(t *testing.T, open func(t *testing.T) host.Store, lacks ...Feature) {
	t.Helper()
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Run", runTests()},
		{"Finish", finishTests()},
		{"Child", childTests()},
		{"Evaluation", evaluationTests()},
		{"History", historyTests()},
		{"Session", sessionTests()},
		{"SessionList", sessionListTests()},
		{"SessionRun", sessionRunTests()},
		{"SessionChange", sessionChangeTests()},
		{"SessionDelete", sessionDeleteTests()},
		{"SessionState", sessionStateTests()},
		{"HookCall", hookCallTests()},
		{"Claim", claimTests()},
		{"Snapshot", snapshotTests()},
		{"Find", findTests()},
		{"Retry", retryTests()},
		{"Retention", retentionTests()},
		{"Lease", leaseTests(lacks)},
		{"NewRun", newRunTests()},
		{"ClaimRun", claimRunTests()},
		{"Checkpoint", checkpointTests()},
		{"Cancel", cancelTests()},
		{"Ahead", aheadTests()},
		{"Event", eventTests()},
		{"Signal", signalTests()},
		{"Revision", revisionTests()},
		{"Plugin", pluginTests()},
		{"Binding", bindingTests()},
		{"KV", kvTests()},
		{"RoundTrip", roundTripTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, open(t))
				})
			}
		})
	}
}

// test is one test of the suite, with a store of its own.
type test struct {
	name string
	run  func(t *testing.T, s host.Store)
}

// at returns the nth second of the suite's time.
func at(n int) time.Time {
	return time.Date(2026, time.March, 4, 5, 6, n, 789, time.UTC)
}

// later is when everything is due, also what the store's own clock made so.
func later() time.Time { return time.Now().AddDate(1, 0, 0) }

// self is the owner the tests act as.
func self() host.Lease { return host.Lease{Owner: "self", Until: at(1000)} }

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get ends the test on an error.
func get[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// flush returns when the writes before it, which nobody waited for, are done.
func flush(t *testing.T, s host.Store) {
	t.Helper()
	_, err := s.RenewLeases(t.Context(), host.Lease{Owner: "nobody", Until: at(0)})
	must(t, err)
}

func wantEqual(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mismatch (-want +got):\n%s", diff)
	}
}

func wantCode(t *testing.T, err error, want host.Code) {
	t.Helper()
	if got := host.CodeOf(err); got != want {
		t.Errorf("code %q of error %v, want %q", got, err, want)
	}
}

func wantCancelled(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, host.ErrCancelled) {
		t.Errorf("error %v, want ErrCancelled", err)
	}
}

func wantStale(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, host.ErrStale) {
		t.Errorf("error %v, want ErrStale", err)
	}
}

// inParallel runs n functions at once and waits for them.
func inParallel(ctx context.Context, t *testing.T, n int, f func(ctx context.Context, i int) error) {
	t.Helper()
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- f(ctx, i) }()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
