package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func evaluationTests() []test {
	return []test{
		{"of a blocking call", evaluationBlocking},
		{"of a background call", evaluationBackground},
		{"of another attempt", evaluationStale},
		{"of a call made again", evaluationRevived},
		{"of another run", evaluationElsewhere},
		{"are atomic", evaluationAtomic},
		{"filters", evaluationFilters},
		{"pages", evaluationPages},
		{"renamed", evaluationRenamed},
		{"deleted", evaluationDeleted},
		{"go with the run", evaluationExpires},
	}
}

// newEvaluation is what a call found.
func newEvaluation(id string, call host.HookCall) host.Evaluation {
	score := 7.5
	return host.Evaluation{
		ID: id, HookCallID: call.ID, RunID: call.RunID, SessionID: call.SessionID, Component: call.Component,
		Plugin: call.Plugin, Hook: call.Hook, Score: &score, Passed: true, Reason: "good",
		Output:     host.TextContent("<answer>"),
		JudgeRunID: "judge", Model: "model", ModelProvider: "P", CreatedAt: at(3), UpdatedAt: at(3),
	}
}

// finding is call with what it found.
func finding(call host.HookCall, ids ...string) host.HookCall {
	call.Evaluations = nil
	for _, id := range ids {
		call.Evaluations = append(call.Evaluations, newEvaluation(id, call))
	}
	return call
}

// wantEvaluations expects the ids of the page a filter chooses, of ten when the
// filter has no limit.
func wantEvaluations(t *testing.T, s host.Store, filter host.EvaluationFilter, want string, wantTotal int) {
	t.Helper()
	if filter.Limit == 0 {
		filter.Limit = 10
	}
	page, total, err := s.Evaluations(t.Context(), filter)
	must(t, err)
	var ids []string
	for _, e := range page {
		ids = append(ids, e.ID)
	}
	if got := strings.Join(ids, " "); got != want || total != wantTotal {
		t.Errorf("%+v: %s of %d, want %s of %d", filter, got, total, want, wantTotal)
	}
}

func evaluationBlocking(t *testing.T, s host.Store) {
	wantEvaluations(t, s, host.EvaluationFilter{}, "", 0)
	call := finding(done(newCall("call", "run")), "a", "b")
	finish(t, s, newRun("run", "session"), call)
	wantEqual(t, call.Evaluations[0], get(s.Evaluation(t.Context(), "a"))(t))
	wantEvaluations(t, s, host.EvaluationFilter{}, "b a", 2)
}

func evaluationBackground(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	call.SnapshotID = "snapshot"
	create(t, s, newRun("run", "session"))
	must(t, s.FinishRun(t.Context(), host.Finish{
		Run: finished(newRun("run", "session"), host.RunCompleted), Calls: []host.HookCall{call},
		Snapshots: []host.Snapshot{{ID: "snapshot", RunID: "run", Context: []byte("{}")}},
	}))
	must(t, s.StartHookCall(t.Context(), "call", 1, at(3)))
	over := finding(done(call), "a")
	must(t, s.FinishHookCall(t.Context(), 1, over))
	page, total, err := s.Evaluations(t.Context(), host.EvaluationFilter{Limit: 1})
	must(t, err)
	wantEqual(t, over.Evaluations, page)
	wantEqual(t, 1, total)
	over.Evaluations = nil
	flush(t, s)
	wantEqual(t, over, callOf(t, s, "run"))
	_, err = s.Snapshot(t.Context(), "snapshot")
	wantCode(t, err, host.CodeNotFound)
}

func evaluationStale(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call)
	wantStale(t, s.FinishHookCall(t.Context(), 2, finding(done(call), "a")))
	wantEvaluations(t, s, host.EvaluationFilter{}, "", 0)
	must(t, s.FinishHookCall(t.Context(), 1, finding(done(call), "b")))
	wantStale(t, s.FinishHookCall(t.Context(), 1, finding(done(call), "c")))
	wantEvaluations(t, s, host.EvaluationFilter{}, "b", 1)
}

// evaluationRevived replaces what a call found before it died.
func evaluationRevived(t *testing.T, s host.Store) {
	finish(t, s, newRun("run", "session"), finding(done(newCall("beside", "run")), "beside"))
	dead := died(t, s, "dead", func(call *host.HookCall) { *call = finding(*call, "first") })
	revived := get(s.RetryHookCall(t.Context(), dead.ID, at(9)))(t)
	must(t, s.FinishHookCall(t.Context(), revived.Fence(), finding(done(revived), "second", "third")))
	wantEvaluations(t, s, host.EvaluationFilter{RunID: dead.RunID}, "third second", 2)
	wantEvaluations(t, s, host.EvaluationFilter{RunID: "run"}, "beside", 1)
}

// evaluationElsewhere: it would not go with its run.
func evaluationElsewhere(t *testing.T, s host.Store) {
	call := finding(done(newCall("call", "run")), "a")
	call.Evaluations[0].RunID = "another"
	run := newRun("run", "session")
	create(t, s, run)
	if err := s.FinishRun(t.Context(), host.Finish{Run: finished(run, host.RunCompleted), Calls: []host.HookCall{call}}); err == nil {
		t.Error("an evaluation of another run was stored")
	}
}

func evaluationAtomic(t *testing.T, s host.Store) {
	call := newCall("call", "run")
	finish(t, s, newRun("run", "session"), call, finding(done(newCall("first", "run")), "taken"))
	if err := s.FinishHookCall(t.Context(), 1, finding(done(call), "free", "taken")); err == nil {
		t.Error("an evaluation was stored twice")
	}
	wantEvaluations(t, s, host.EvaluationFilter{}, "taken", 1)
	must(t, s.FinishHookCall(t.Context(), 1, finding(done(call), "free")))
}

func evaluationFilters(t *testing.T, s host.Store) {
	team := host.BindingScope{Kind: host.KindTeam, ID: "agent"}
	for n, id := range []string{"0", "1", "2", "3"} {
		call := done(newCall("call "+id, "run "+id))
		if n == 2 {
			call.Component.Kind = host.KindTeam
		}
		call = finding(call, id)
		call.Evaluations[0].CreatedAt = at(10 - n)
		if n%2 == 1 {
			call.Evaluations[0].Model = "another"
		}
		finish(t, s, newRun("run "+id, "session"), call)
	}
	for _, test := range []struct {
		filter host.EvaluationFilter
		want   string
	}{
		{host.EvaluationFilter{}, "0 1 2 3"},
		{host.EvaluationFilter{Ascending: true}, "3 2 1 0"},
		{host.EvaluationFilter{Model: "another"}, "1 3"},
		{host.EvaluationFilter{Model: "another", Ascending: true}, "3 1"},
		{host.EvaluationFilter{RunID: "run 2"}, "2"},
		{host.EvaluationFilter{Component: team}, "2"},
		{host.EvaluationFilter{Component: host.BindingScope{Kind: host.KindAgent}}, "0 1 3"},
		{host.EvaluationFilter{Component: host.BindingScope{ID: "agent"}}, "0 1 2 3"},
		{host.EvaluationFilter{Component: team, Model: "another"}, ""},
		{host.EvaluationFilter{Component: team, Model: "model", RunID: "run 2"}, "2"},
		{host.EvaluationFilter{RunID: "none"}, ""},
	} {
		wantEvaluations(t, s, test.filter, test.want, len(strings.Fields(test.want)))
	}
}

// evaluationPages: those of one moment are in the order of storing.
func evaluationPages(t *testing.T, s host.Store) {
	var ids []string
	for n := range 7 {
		ids = append(ids, fmt.Sprint(n))
	}
	finish(t, s, newRun("run", "session"), finding(done(newCall("call", "run")), ids...))
	wantEvaluations(t, s, host.EvaluationFilter{Limit: 3}, "6 5 4", 7)
	wantEvaluations(t, s, host.EvaluationFilter{Limit: 3, Offset: 6}, "0", 7)
	wantEvaluations(t, s, host.EvaluationFilter{Limit: 3, Offset: 1, Ascending: true}, "1 2 3", 7)
	wantEvaluations(t, s, host.EvaluationFilter{Limit: 3, Offset: 9, RunID: "run"}, "", 7)
	if _, _, err := s.Evaluations(t.Context(), host.EvaluationFilter{Offset: -1, Limit: 1}); err == nil {
		t.Error("a page before the first was found")
	}
}

func evaluationRenamed(t *testing.T, s host.Store) {
	call := finding(done(newCall("call", "run")), "a")
	finish(t, s, newRun("run", "session"), call)
	want := call.Evaluations[0]
	want.Name, want.UpdatedAt = "better <name>", at(9)
	wantEqual(t, want, get(s.RenameEvaluation(t.Context(), "a", want.Name, at(9)))(t))
	wantEqual(t, want, get(s.Evaluation(t.Context(), "a"))(t))

	_, renamed := s.RenameEvaluation(t.Context(), "nope", "name", at(9))
	_, read := s.Evaluation(t.Context(), "nope")
	for _, err := range []error{renamed, read} {
		wantCode(t, err, host.CodeNotFound)
		if !strings.Contains(err.Error(), "Eval run with id 'nope' not found") {
			t.Errorf("error %q", err)
		}
	}
}

func evaluationDeleted(t *testing.T, s host.Store) {
	finish(t, s, newRun("run", "session"), finding(done(newCall("call", "run")), "a", "b", "c"))
	must(t, s.DeleteEvaluations(t.Context(), []string{"a", "none", "c"}))
	must(t, s.DeleteEvaluations(t.Context(), nil))
	wantEvaluations(t, s, host.EvaluationFilter{}, "b", 1)
}

// evaluationExpires: it outlives the record of the call that made it.
func evaluationExpires(t *testing.T, s host.Store) {
	finish(t, s, newRun("run", "session"), finding(ended("call", "run", 5), "a"))
	wantEqual(t, host.Expired{HookCalls: 1}, expire(t, s, host.Retention{HookCalls: at(10)}))
	wantEvaluations(t, s, host.EvaluationFilter{}, "a", 1)
	wantEqual(t, host.Expired{Runs: 1}, expire(t, s, host.Retention{Runs: at(10)}))
	wantEvaluations(t, s, host.EvaluationFilter{}, "", 0)
}
