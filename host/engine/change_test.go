package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// leave has the worker of a background run be stopped in an agent's second model
// call, and gives the run back.
func (f *fixture) leave(t *testing.T, req host.RunRequest, agent string, said lines) (id string) {
	t.Helper()
	worker, stop := context.WithCancel(t.Context())
	f.model.script = func(c context.Context, req model.Request) (model.Response, error) {
		if req.Agent == agent && req.Turn == 2 && worker.Err() == nil {
			stop()
			<-c.Done()
			return model.Response{}, c.Err()
		}
		return said.script(c, req)
	}
	f.configure(t, func(*engine.Config) {})
	id = f.accept(t, req).ID
	f.stopIn(t, worker, id)
	return id
}

// A worker whose workflow is not the one that was begun carries out what is left of
// it, and takes nothing that was done for what another step does.
func TestWorkflowIsChangedMeanwhile(t *testing.T) {
	t.Parallel()
	skipped := named("added", "a")
	skipped.OnError = host.StepSkip
	onlyIf := host.Step{Name: "if", Kind: host.StepCondition, Decide: host.Decision{CEL: "true"}, Steps: []host.Step{runs("summarizer")}}
	renamed := onlyIf
	renamed.Name = "added"
	const changed = "The run cannot go on: flow was changed meanwhile and has "
	for name, test := range map[string]struct {
		began, now []host.Step
		want       string
	}{
		"not at all":           {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{runs("analyzer"), runs("summarizer")}, `"end"`},
		"in another place":     {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{runs("analyzer"), runs("a")}, changed + "the step a where it had summarizer."},
		"another one first":    {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{named("added", "a"), runs("analyzer"), runs("summarizer")}, changed + "the step added where it had analyzer."},
		"one that may fail":    {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{skipped, runs("summarizer")}, changed + "the step added where it had analyzer."},
		"another order":        {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{runs("summarizer"), runs("analyzer")}, changed + "the step summarizer where it had analyzer."},
		"another agent":        {[]host.Step{runs("summarizer")}, []host.Step{named("summarizer", "a")}, changed + "a where it had summarizer."},
		"another name":         {[]host.Step{runs("summarizer")}, []host.Step{named("added", "summarizer")}, changed + "the step added where it had summarizer."},
		"another decision":     {[]host.Step{onlyIf}, []host.Step{renamed}, changed + "the step added where it had if."},
		"another agent inside": {[]host.Step{onlyIf}, []host.Step{{Name: "if", Kind: host.StepCondition, Decide: onlyIf.Decide, Steps: []host.Step{named("summarizer", "a")}}}, changed + "a where it had summarizer."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newWorkflow(t, test.began, []*function{newFunction("look", returns(`1`))},
				boundHook{name: "guard", point: pluginapi.PointInput, mode: pluginapi.ModeBlocking, answer: says(deny), of: "a"})
			f.config.Agents[2].Tools = []host.ToolRef{{Plugin: "box"}}
			id := f.leave(t, asksFlow("question"), "summarizer", lines{"summarizer": {calls(`x look {}`), text("end")}})
			other := f.node(t, func(c *engine.Config) { c.Workflows = []*host.Workflow{{ID: "flow", Steps: test.now}} })
			if err := other.Work(t.Context(), f.claim(t, "other", id)); err != nil {
				t.Fatal(err)
			}
			run, err := f.WithChildren(t.Context(), f.stored(t, id))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(run.Content); got != test.want && (run.Failure == nil || run.Failure.Message != test.want) {
				t.Errorf("run %s with %s, failure %+v", run.Status, run.Content, run.Failure)
			}
			left := run.Children[len(run.Children)-1]
			if done := run.Failure == nil; left.Component.ID != "summarizer" || done != (left.Status == host.RunCompleted) {
				t.Errorf("the run that was left: %s %s", left.Component.ID, left.Status)
			}
		})
	}
}

// What a worker left of a step that is gone ends with the run, though the run itself
// goes on to its end.
func TestStepIsTakenAwayMeanwhile(t *testing.T) {
	t.Parallel()
	first := runs("analyzer")
	f := newWorkflow(t, []host.Step{first, runs("summarizer")}, []*function{newFunction("look", returns(`1`))},
		background(pluginapi.PointInput, "log").only("summarizer"))
	f.config.Agents[2].Tools = []host.ToolRef{{Plugin: "box"}}
	id := f.leave(t, asksFlow("question"), "summarizer", lines{"summarizer": {calls(`x look {}`), text("end")}})
	other := f.node(t, func(c *engine.Config) { c.Workflows = []*host.Workflow{{ID: "flow", Steps: []host.Step{first}}} })
	if err := other.Work(t.Context(), f.claim(t, "other", id)); err != nil {
		t.Fatal(err)
	}
	inside, err := f.store.ChildRuns(t.Context(), id)
	if err != nil || len(inside) != 2 || inside[1].Status != host.RunCancelled {
		t.Fatalf("inside %+v, %v", inside, err)
	}
	if calls := f.calls(t, inside[1].ID); !slices.Contains(calls, "input log queued") {
		t.Errorf("calls %v", calls)
	}
	if run := f.stored(t, id); run.Status != host.RunCompleted {
		t.Errorf("run %+v", run)
	}
}

// A member goes on with what was another one's no more than a step does.
func TestMembersAreChangedMeanwhile(t *testing.T) {
	t.Parallel()
	f, _ := newTeam(t, host.TeamBroadcast, nil,
		boundHook{name: "guard", point: pluginapi.PointInput, mode: pluginapi.ModeBlocking, answer: says(deny), of: "writer"})
	for _, a := range f.config.Agents[1:] {
		a.Tools = []host.ToolRef{{Plugin: "box"}}
	}
	f.configure(t, func(c *engine.Config) { c.Tools = &toolbox{functions: []*function{newFunction("look", returns(`1`))}} })
	id := f.leave(t, asksTeam("What is it?"), "researcher", lines{
		"team": {calls(`b delegate_task_to_members {"task":"Find."}`), text("Done.")}, "researcher": {calls(`x look {}`), text("found")},
	})
	other := f.node(t, func(c *engine.Config) {
		team := *c.Teams[0]
		team.Members = slices.Clone(team.Members)
		slices.Reverse(team.Members)
		c.Teams = []*host.Team{&team}
	})
	if err := other.Work(t.Context(), f.claim(t, "other", id)); err != nil {
		t.Fatal(err)
	}
	run := f.stored(t, id)
	if run.Failure == nil || !strings.HasPrefix(run.Failure.Message, "The run cannot go on: team was changed meanwhile and has ") {
		t.Errorf("run %s with %s, failure %+v", run.Status, run.Content, run.Failure)
	}
}
