package storetest

import (
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func sessionRunTests() []test {
	return []test{
		{"are whole", sessionRunWhole},
		{"are those that ended", sessionRunsEnded},
		{"filters", sessionRunFilters},
		{"pages", sessionRunPages},
		{"usage", sessionUsage},
	}
}

func sessionRunWhole(t *testing.T, s host.Store) {
	run := newRun("run", "session")
	finish(t, s, run)
	runs, next, err := s.SessionRuns(t.Context(), host.RunFilter{SessionID: "session", Limit: 5})
	must(t, err)
	wantEqual(t, []host.Run{finished(run, host.RunCompleted)}, runs)
	wantEqual(t, 0, next)
}

// end stores a run that ended with the status.
func end(t *testing.T, s host.Store, run host.Run, status host.RunStatus) {
	t.Helper()
	create(t, s, run)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, status)}))
}

// sessionRunsEnded: the order is that of their ends; runs that go on, members
// and other sessions are not shown.
func sessionRunsEnded(t *testing.T, s host.Store) {
	early := newRun("early", "session")
	create(t, s, early)
	create(t, s, newRun("running", "session"))
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun("lazy", "session"), Lease: self()}))
	end(t, s, newRun("one", "session"), host.RunError)
	finishTeam(t, s, newRun("two", "session"), "member")
	end(t, s, newRun("three", "session"), host.RunCancelled)
	end(t, s, newRun("elsewhere", "another"), host.RunCompleted)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(early, host.RunCompleted)}))
	wantRuns(t, s, host.RunFilter{}, []string{"one", "two", "three", "early"}, 0)
	wantRuns(t, s, host.RunFilter{SessionID: "none"}, nil, 0)
}

func sessionRunFilters(t *testing.T, s host.Store) {
	for n, status := range []host.RunStatus{host.RunCompleted, host.RunError, host.RunCompleted, host.RunCancelled} {
		run := newRun(fmt.Sprint(n), "session")
		run.CreatedAt = at(n)
		if n == 2 {
			run.Component = host.Component{Kind: host.KindTeam, ID: "agent"}
		}
		end(t, s, run, status)
	}
	agent := host.BindingScope{Kind: host.KindAgent, ID: "agent"}
	for _, test := range []struct {
		filter host.RunFilter
		want   []string
	}{
		{host.RunFilter{Status: host.RunCompleted}, []string{"0", "2"}},
		{host.RunFilter{Status: host.RunCompleted, Component: agent}, []string{"0"}},
		{host.RunFilter{Status: host.RunRunning}, nil},
		{host.RunFilter{Status: "unheard of"}, nil},
		{host.RunFilter{Component: agent}, []string{"0", "1", "3"}},
		{host.RunFilter{Component: host.BindingScope{Kind: host.KindAgent, ID: "other"}}, nil},
		{host.RunFilter{CreatedFrom: at(1)}, []string{"1", "2", "3"}},
		{host.RunFilter{CreatedUntil: at(2)}, []string{"0", "1"}},
		{host.RunFilter{CreatedFrom: at(1), CreatedUntil: at(3), Status: host.RunError}, []string{"1"}},
		{host.RunFilter{CreatedFrom: at(3).AddDate(1000, 0, 0)}, nil},
		{host.RunFilter{CreatedFrom: at(0).AddDate(-1000, 0, 0), CreatedUntil: at(0).AddDate(1000, 0, 0)}, []string{"0", "1", "2", "3"}},
	} {
		wantRuns(t, s, test.filter, test.want, 0)
	}
}

func sessionRunPages(t *testing.T, s host.Store) {
	statuses := []host.RunStatus{host.RunCompleted, host.RunError, host.RunCancelled}
	for n := range 7 {
		end(t, s, newRun(fmt.Sprint(n), "session"), statuses[n%3])
	}
	wantRuns(t, s, host.RunFilter{Limit: 3}, []string{"0", "1", "2"}, 3)
	wantRuns(t, s, host.RunFilter{Limit: 3, AfterTurn: 3}, []string{"3", "4", "5"}, 6)
	wantRuns(t, s, host.RunFilter{Limit: 3, AfterTurn: 6}, []string{"6"}, 0)
	wantRuns(t, s, host.RunFilter{Limit: 3, AfterTurn: 7}, nil, 0)
	wantRuns(t, s, host.RunFilter{Limit: 2, Status: host.RunCompleted}, []string{"0", "3"}, 4)
	wantRuns(t, s, host.RunFilter{Limit: 2, AfterTurn: 4, Status: host.RunCompleted}, []string{"6"}, 0)
}

// wantRuns expects the ids of one page of "session", of ten when the filter has
// no limit.
func wantRuns(t *testing.T, s host.Store, filter host.RunFilter, want []string, wantNext int) {
	t.Helper()
	if filter.SessionID == "" {
		filter.SessionID = "session"
	}
	if filter.Limit == 0 {
		filter.Limit = 10
	}
	runs, next, err := s.SessionRuns(t.Context(), filter)
	must(t, err)
	if got := ids(runs); fmt.Sprint(got) != fmt.Sprint(want) || next != wantNext {
		t.Errorf("%+v: %v and %d, want %v and %d", filter, got, next, want, wantNext)
	}
}

// sessionUsage: every run adds to its session, whatever it came to, once.
func sessionUsage(t *testing.T, s host.Store) {
	use := func(id, session, model string, status host.RunStatus, wait bool) {
		run := newRun(id, session)
		run.Model, run.ModelProvider = model, "P"
		must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: self(), Wait: wait}))
		must(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, status)}))
		wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: finished(run, status)}))
	}
	use("1", "session", "b", host.RunCompleted, true)
	use("2", "session", "b", host.RunError, false)
	use("4", "session", "a", host.RunCancelled, false)
	use("5", "another", "a", host.RunCompleted, true)
	member := newMember("3", newRun("idle", "session"))
	member.Model, member.ModelProvider = "b", "P"
	create(t, s, newRun("idle", "session"))
	must(t, s.FinishRun(t.Context(), host.Finish{Run: member}))
	wantStale(t, s.FinishRun(t.Context(), host.Finish{Run: member}))
	idle := newRun("idle alone", "unused")
	create(t, s, idle)
	idle.Status = host.RunError
	must(t, s.FinishRun(t.Context(), host.Finish{Run: idle}))

	one := host.ModelUsage{Model: "a", Provider: "P", Metrics: host.Metrics{InputTokens: 3, OutputTokens: 4, TotalTokens: 7}}
	three := host.ModelUsage{Model: "b", Provider: "P", Metrics: host.Metrics{InputTokens: 9, OutputTokens: 12, TotalTokens: 21}}
	want := map[string][]host.ModelUsage{"session": {one, three}, "another": {one}}
	wantEqual(t, want, get(s.SessionUsage(t.Context(), "another", "unused", "session", "none"))(t))
	wantEqual(t, map[string][]host.ModelUsage{}, get(s.SessionUsage(t.Context()))(t))
}
