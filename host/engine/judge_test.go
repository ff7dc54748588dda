package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// judging is a hook that runs the agent judge on what it sees, and keeps the run.
func judging(judged chan<- host.Run) guest {
	return func(c context.Context, _ pluginapi.Context) (string, error) {
		run, err := servicesOf(c).Runner.RunComponent(c, host.ComponentRequest{
			Component: host.BindingScope{Kind: host.KindAgent, ID: "judge"}, Input: host.TextContent("Is it good?"),
		})
		if err != nil {
			return fmt.Sprintf(`{"decision":"deny","reason":%q}`, host.CodeOf(err)), nil
		}
		judged <- run
		return allow, nil
	}
}

func withJudge(t *testing.T, bound ...boundHook) *fixture {
	t.Helper()
	for i := range bound {
		bound[i].permissions.Run = &pluginapi.RunPermission{Components: []string{"judge"}, Reason: "asks"}
	}
	f := newFixture(t, bound...)
	f.model.script = lines{"a": {text("answer")}, "judge": {text("good")}}.script
	f.configure(t, func(c *engine.Config) {
		c.Agents = append(slices.Clone(c.Agents), &host.Agent{ID: "judge", Name: "Judge", Model: "default"})
	})
	return f
}

func TestJudge(t *testing.T) {
	t.Parallel()
	judged := make(chan host.Run, 1)
	nested := background(pluginapi.PointOutput, "watch")
	nested.nested = true
	f := withJudge(t, blocking(pluginapi.PointOutput, "ask", judging(judged)).only("a"),
		blocking(pluginapi.PointInput, "wide", says(allow)), nested, background(pluginapi.PointOutput, "own").only("judge"))
	run, s := f.streamed(t, asks("question"))
	if run.Status != host.RunCompleted {
		t.Fatalf("run %+v, failure %+v", run, run.Failure)
	}
	judge := <-judged
	stored := f.stored(t, judge.ID)
	if string(stored.Content) != `"good"` || stored.ParentID != run.ID || stored.RootID != stored.ID || stored.Depth != 1 ||
		stored.SessionID == "s" || stored.Background || stored.Origin() != host.OriginHook {
		t.Errorf("judge %+v", stored)
	}
	if diff := cmp.Diff([]string{"output watch queued", "output own queued"}, f.calls(t, judge.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	children, err := f.store.ChildRuns(t.Context(), run.ID)
	if err != nil || len(children)+len(run.Children) != 0 || slices.Contains(s.told(), "judge RunStarted") {
		t.Errorf("children %+v, %v, events %v", children, err, s.told())
	}
	if runs, err := f.store.History(t.Context(), "s", 9); err != nil || len(runs) != 1 {
		t.Errorf("history %+v, %v", runs, err)
	}
	if session, err := f.store.Session(t.Context(), stored.SessionID); err != nil || session.Component.ID != "judge" {
		t.Errorf("session %+v, %v", session, err)
	}
}

// What judges may judge is bounded: a judge's judge's judge is refused.
func TestJudgeOfJudges(t *testing.T) {
	t.Parallel()
	judged := make(chan host.Run, 9)
	ask := blocking(pluginapi.PointOutput, "ask", judging(judged))
	ask.nested = true
	f := withJudge(t, ask)
	run := f.run(t, asks("question"))
	close(judged)
	depths := []int{}
	for judge := range judged {
		depths = append(depths, judge.Depth)
		if judge.Depth == 2 && (judge.Status != host.RunError || judge.Failure.ID != string(host.CodeConflict)) {
			t.Errorf("judge %+v, failure %+v", judge, judge.Failure)
		}
	}
	if diff := cmp.Diff([]int{2, 1}, depths); diff != "" || run.Status != host.RunCompleted {
		t.Errorf("run %+v, depths (-want +got):\n%s", run, diff)
	}
}

// The runs of a hook in the background are as deep as the run it was called for.
func TestJudgeInTheBackground(t *testing.T) {
	t.Parallel()
	judged := make(chan host.Run, 1)
	ask := background(pluginapi.PointOutput, "ask")
	ask.answer = judging(judged)
	f := withJudge(t, ask.only("a"))
	run := f.run(t, asks("question"))
	calls := f.store.finishes[0]
	done := f.WorkHook(t.Context(), calls.Calls[0], calls.Snapshots[0].Context)
	if done.Outcome != host.OutcomeAllowed {
		t.Fatalf("call %+v", done)
	}
	if judge := <-judged; judge.ParentID != run.ID || judge.Depth != 1 || judge.Status != host.RunCompleted {
		t.Errorf("judge %+v", judge)
	}
}

// A judge ends with the call that asked it.
func TestJudgeIsCancelled(t *testing.T) {
	t.Parallel()
	judged := make(chan host.Run, 1)
	f := withJudge(t, blocking(pluginapi.PointOutput, "ask", judging(judged)).only("a"))
	req := asks("question")
	req.RunID = "r"
	f.model.script = func(c context.Context, asked model.Request) (model.Response, error) {
		if asked.Agent == "a" {
			return text("answer"), nil
		}
		if err := f.Cancel(context.WithoutCancel(c), "r"); err != nil {
			t.Error(err)
		}
		<-c.Done()
		return model.Response{}, c.Err()
	}
	run := f.run(t, req)
	if judge := <-judged; run.Status != host.RunCancelled || f.stored(t, judge.ID).Status != host.RunCancelled {
		t.Errorf("run %+v, judge %+v", run, judge)
	}
}

// A hook that is tried has no run that is judged.
func TestJudgeOfATrial(t *testing.T) {
	t.Parallel()
	f := withJudge(t)
	judge, err := f.TrialRunner().RunComponent(t.Context(), host.ComponentRequest{
		Component: host.BindingScope{Kind: host.KindAgent, ID: "judge"}, Input: host.TextContent("Is it good?"),
	})
	if err != nil || judge.Status != host.RunCompleted || judge.ParentID != "" || judge.Depth != 1 {
		t.Errorf("judge %+v, %v", judge, err)
	}
}

func TestJudgeThatDoesNotExist(t *testing.T) {
	t.Parallel()
	f := withJudge(t, blocking(pluginapi.PointOutput, "ask", func(c context.Context, _ pluginapi.Context) (string, error) {
		_, err := servicesOf(c).Runner.RunComponent(c, host.ComponentRequest{
			Component: host.BindingScope{Kind: host.KindAgent, ID: "nobody"}, Input: host.TextContent("?"),
		})
		return fmt.Sprintf(`{"decision":"deny","reason":%q}`, host.CodeOf(err)), nil
	}))
	if run := f.run(t, asks("question")); run.Failure == nil || run.Failure.ID != string(host.CodeNotFound) {
		t.Errorf("run %+v", run)
	}
}
