package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// A worker whose workflow is not the one that was begun carries out what is left of
// it, and takes nothing that was done for what another step does.
func TestWorkflowIsChangedMeanwhile(t *testing.T) {
	t.Parallel()
	named := func(name string, s host.Step) host.Step {
		s.Name = name
		return s
	}
	skipped := named("added", runs("a"))
	skipped.OnError = host.StepSkip
	onlyIf := host.Step{Name: "if", Kind: host.StepCondition, Decide: host.Decision{CEL: "true"}, Steps: []host.Step{runs("summarizer")}}
	const changed = "The workflow was changed while the run went on: where the step "
	for name, test := range map[string]struct {
		began, now []host.Step
		want       string
	}{
		"not at all":           {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{runs("analyzer"), runs("summarizer")}, `"end"`},
		"in another place":     {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{runs("analyzer"), runs("a")}, changed + "a is"},
		"another one first":    {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{named("added", runs("a")), runs("analyzer"), runs("summarizer")}, changed + "added is"},
		"one that may fail":    {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{skipped, runs("summarizer")}, changed + "added is"},
		"another order":        {[]host.Step{runs("analyzer"), runs("summarizer")}, []host.Step{runs("summarizer"), runs("analyzer")}, changed + "summarizer is"},
		"another agent":        {[]host.Step{runs("summarizer")}, []host.Step{named("summarizer", runs("a"))}, changed + "summarizer is"},
		"another name":         {[]host.Step{runs("summarizer")}, []host.Step{named("added", runs("summarizer"))}, changed + "added is"},
		"another decision":     {[]host.Step{onlyIf}, []host.Step{named("added", onlyIf)}, changed + "added is"},
		"another agent inside": {[]host.Step{onlyIf}, []host.Step{{Name: "if", Kind: host.StepCondition, Decide: onlyIf.Decide, Steps: []host.Step{named("summarizer", runs("a"))}}}, changed + "summarizer is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newWorkflow(t, test.began, []*function{newFunction("look", returns(`1`))},
				boundHook{name: "guard", point: pluginapi.PointInput, mode: pluginapi.ModeBlocking, answer: says(deny), of: "a"})
			f.config.Agents[2].Tools = []host.ToolRef{{Plugin: "box"}}
			worker, stop := context.WithCancel(t.Context())
			f.model.script = func(c context.Context, req model.Request) (model.Response, error) {
				if req.Agent == "summarizer" && req.Turn == 2 && worker.Err() == nil {
					stop()
					<-c.Done()
					return model.Response{}, c.Err()
				}
				return lines{"summarizer": {calls(`x look {}`), text("end")}}.script(c, req)
			}
			f.configure(t, func(*engine.Config) {})
			id := f.accept(t, asksFlow("question")).ID
			work := f.claim(t, "node", id)
			if err := f.Work(worker, work); err == nil {
				t.Fatal("the worker was not stopped")
			}
			if err := f.store.ReleaseRun(t.Context(), id, work.Run.Attempt); err != nil {
				t.Fatal(err)
			}
			other := f.node(t, func(c *engine.Config) { c.Workflows = []*host.Workflow{{ID: "flow", Steps: test.now}} })
			if err := other.Work(t.Context(), f.claim(t, "other", id)); err != nil {
				t.Fatal(err)
			}
			run, err := f.WithChildren(t.Context(), f.stored(t, id))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(run.Content); got != test.want && (run.Failure == nil || !strings.HasPrefix(run.Failure.Message, test.want)) {
				t.Errorf("run %s with %s, failure %+v", run.Status, run.Content, run.Failure)
			}
			left := run.Children[len(run.Children)-1]
			if done := run.Failure == nil; left.Component.ID != "summarizer" || done != (left.Status == host.RunCompleted) {
				t.Errorf("the run that was left: %s %s", left.Component.ID, left.Status)
			}
		})
	}
}
