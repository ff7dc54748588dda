package storetest

import (
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func eventTests() []test {
	return []test{
		{"appended", appendedEvents},
		{"appended twice", appendedTwice},
		{"in whole", eventRoundTrip},
		{"of an attempt that is over", staleEvents},
		{"with the run's end", lastEvents},
		{"grow old", expiredEvents},
	}
}

// newEvents are events with the indexes from n on, before end.
func newEvents(n, end int) []host.RunEvent {
	var events []host.RunEvent
	for ; n < end; n++ {
		events = append(events, host.RunEvent{Index: n, Kind: host.EventRunContent, At: at(n), Content: host.TextContent("<&>")})
	}
	return events
}

// working stores a background run that self works for.
func working(t *testing.T, s host.Store, id string) host.Run {
	t.Helper()
	enqueue(t, s, newBackgroundRun(id, "session of "+id))
	return claimRun(t, s, id, at(50)).Run
}

// wantEvents expects all events of a run.
func wantEvents(t *testing.T, s host.Store, id string, want []host.RunEvent) {
	t.Helper()
	wantEqual(t, want, get(s.RunEvents(t.Context(), id, 0, 100))(t))
	wantEqual(t, len(want), get(s.NextEvent(t.Context(), id))(t))
}

func appendedEvents(t *testing.T, s host.Store) {
	working(t, s, "run")
	working(t, s, "another")
	wantEvents(t, s, "run", nil)
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(0, 12)))
	must(t, s.AppendEvents(t.Context(), "another", 1, newEvents(0, 1)))
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(12, 13)))
	must(t, s.AppendEvents(t.Context(), "run", 1, nil))
	wantEvents(t, s, "run", newEvents(0, 13))
	for _, page := range []struct{ from, limit, end int }{{0, 5, 5}, {5, 5, 10}, {10, 5, 13}, {13, 5, 13}, {3, 0, 3}} {
		wantEqual(t, newEvents(page.from, page.end), get(s.RunEvents(t.Context(), "run", page.from, page.limit))(t))
	}
	must(t, s.ReleaseRun(t.Context(), "run", 1))
	work := get(s.ClaimRuns(t.Context(), self(), later(), 9))(t)
	if len(work) != 1 || work[0].NextEvent != 13 {
		t.Errorf("work %+v, want event 13 to be the next", work)
	}
}

// appendedTwice: who did not hear of a commit appends once more.
func appendedTwice(t *testing.T, s host.Store) {
	working(t, s, "run")
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(0, 2)))
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(0, 3)))
	wantEvents(t, s, "run", newEvents(0, 3))
}

func eventRoundTrip(t *testing.T, s host.Store) {
	working(t, s, "run")
	event := filled[host.RunEvent]()
	event.Index = 0
	must(t, s.AppendEvents(t.Context(), "run", 1, []host.RunEvent{event}))
	wantEvents(t, s, "run", []host.RunEvent{event})
}

func staleEvents(t *testing.T, s host.Store) {
	run := working(t, s, "run")
	wantStale(t, s.AppendEvents(t.Context(), "run", 2, newEvents(0, 1)))
	wantCode(t, s.AppendEvents(t.Context(), "none", 1, newEvents(0, 1)), host.CodeNotFound)
	must(t, s.CancelRun(t.Context(), "run", at(51)))
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(0, 1))) // its end is to come
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCancelled)}))
	wantStale(t, s.AppendEvents(t.Context(), "run", 1, newEvents(1, 2)))
	wantEvents(t, s, "run", newEvents(0, 1))
}

func lastEvents(t *testing.T, s host.Store) {
	run := working(t, s, "run")
	must(t, s.AppendEvents(t.Context(), "run", 1, newEvents(0, 2)))
	zombie := finished(run, host.RunCompleted)
	zombie.Attempt = 2
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: zombie, Events: newEvents(2, 3)}))
	wantEvents(t, s, "run", newEvents(0, 2))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCompleted), Events: newEvents(2, 4)}))
	wantEvents(t, s, "run", newEvents(0, 4))
}

func expiredEvents(t *testing.T, s host.Store) {
	for id, n := range map[string]int{"old": 9, "young": 10} {
		run := finished(working(t, s, id), host.RunCompleted)
		run.FinishedAt = at(n)
		must(t, s.FinishRun(t.Context(), host.Finish{Run: run, Events: newEvents(0, 3)}))
	}
	working(t, s, "running")
	must(t, s.AppendEvents(t.Context(), "running", 1, newEvents(0, 3)))
	for range 2 {
		wantEqual(t, host.Expired{}, expire(t, s, host.Retention{Events: at(10)}))
		wantEvents(t, s, "old", nil)
		wantEvents(t, s, "young", newEvents(0, 3))
		wantEvents(t, s, "running", newEvents(0, 3))
	}
	get(s.Run(t.Context(), "old"))(t)

	wantEqual(t, host.Expired{Runs: 2}, expire(t, s, host.Retention{Runs: at(20)}))
	wantEvents(t, s, "young", nil)
	wantEvents(t, s, "running", newEvents(0, 3))
}
