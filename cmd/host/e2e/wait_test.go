package e2e

import (
	"context"
	"testing"
	"time"
)

// patience bounds every wait of these tests. It is meant for a loaded machine:
// a test that waits this long has failed.
const patience = 2 * time.Minute

// eventually asks again and again until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !poll(ctx, condition) {
		t.Fatalf("gave up waiting until %s", what)
	}
}

// poll reports whether the condition came true before ctx ended.
func poll(ctx context.Context, condition func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// receive takes the next value of a channel.
func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("gave up waiting for %s", what)
		panic("unreachable")
	}
}
