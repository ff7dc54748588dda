package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

func claimTests() []test {
	return []test{
		{"the longest due first", claimOrder},
		{"only what is due and free", claimFilter},
		{"never twice", claimAtOnce},
		{"of one plugin", claimOfOnePlugin},
		{"next due", nextDue},
	}
}

func claimOrder(t *testing.T, s host.Store) {
	calls := []host.HookCall{
		free(newCall("third", "run"), 30), free(newCall("first", "run"), 10), free(newCall("second", "run"), 20),
	}
	finish(t, s, newRun("run", "session"), calls...)
	var order []string
	for _, limit := range []int{-1, 0, 2, 2, 2} {
		for _, call := range get(s.ClaimHookCalls(t.Context(), self(), at(50), plugin, limit))(t) {
			order = append(order, call.ID)
			if call.Owner != self().Owner || !call.LeaseUntil.Equal(self().Until) {
				t.Errorf("%s is held by %q until %v", call.ID, call.Owner, call.LeaseUntil)
			}
		}
		order = append(order, "|")
	}
	wantEqual(t, []string{"|", "|", "first", "second", "|", "third", "|", "|"}, order)
}

func claimFilter(t *testing.T, s host.Store) {
	skipped := free(newCall("skipped", "run"), 1)
	skipped.Status = host.HookCallSkipped
	finish(t, s, newRun("run", "session"),
		newCall("held", "run"), done(newCall("over", "run")), skipped, free(newCall("later", "run"), 51))
	if calls := get(s.ClaimHookCalls(t.Context(), self(), at(50), plugin, 9))(t); len(calls) > 0 {
		t.Errorf("claimed %v", calls)
	}
}

func claimAtOnce(t *testing.T, s host.Store) {
	const total = 100
	run := newRun("run", "session")
	var calls []host.HookCall
	for i := range total {
		calls = append(calls, free(newCall(fmt.Sprint(i), run.ID), i%10))
	}
	finish(t, s, run, calls...)

	var mu sync.Mutex
	claims := map[string]int{}
	inParallel(t.Context(), t, 8, func(ctx context.Context, i int) error {
		lease := host.Lease{Owner: fmt.Sprint("node ", i), Until: at(1000)}
		for {
			calls, err := s.ClaimHookCalls(ctx, lease, at(50), plugin, 3)
			if err != nil || len(calls) == 0 {
				return err
			}
			mu.Lock()
			for _, call := range calls {
				claims[call.ID]++
			}
			mu.Unlock()
		}
	})
	for id, n := range claims {
		if n != 1 {
			t.Errorf("call %s was claimed %d times", id, n)
		}
	}
	if len(claims) != total {
		t.Errorf("%d calls were claimed, want %d", len(claims), total)
	}
}

func claimOfOnePlugin(t *testing.T, s host.Store) {
	other := free(newCall("other", "run"), 1)
	other.Plugin = "other"
	finish(t, s, newRun("run", "session"), other, free(newCall("ours", "run"), 2))
	claimed := get(s.ClaimHookCalls(t.Context(), self(), at(50), plugin, 9))(t)
	if len(claimed) != 1 || claimed[0].ID != "ours" {
		t.Errorf("claimed %v", claimed)
	}
	if claimed := get(s.ClaimHookCalls(t.Context(), self(), at(50), "none", 9))(t); len(claimed) > 0 {
		t.Errorf("claimed %v of a plugin without calls", claimed)
	}
}

func nextDue(t *testing.T, s host.Store) {
	wantDue(t, s, map[string]time.Time{})
	finish(t, s, newRun("1", "session"), newCall("held", "1"), done(newCall("over", "1")))
	wantDue(t, s, map[string]time.Time{})
	early, last := free(newCall("early", "2"), 10), free(newCall("last", "2"), 50)
	early.Plugin, last.Plugin = "a", "z"
	finish(t, s, newRun("2", "session"),
		free(newCall("late", "2"), 40), free(newCall("soon", "2"), 30), last, early)
	wantDue(t, s, map[string]time.Time{"a": at(10), plugin: at(30), "z": at(50)})
}

func wantDue(t *testing.T, s host.Store, want map[string]time.Time) {
	t.Helper()
	wantEqual(t, want, get(s.DueHookCalls(t.Context()))(t))
}
