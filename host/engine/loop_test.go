package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
)

// repeats is a loop around steps.
func repeats(name string, times int, steps ...host.Step) host.Step {
	return host.Step{Name: name, Kind: host.StepLoop, MaxIterations: times, Steps: steps}
}

// What is kept of a loop does not grow with its iterations.
func TestCheckpointsOfALoop(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", 1000)
	f := newWorkflow(t, []host.Step{repeats("outer", 5, repeats("inner", 20, invokes("f")))}, []*function{newFunction("f", returns(`"`+content+`"`))})
	req := asksFlow("go")
	id := f.accept(t, req).ID
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	for i, saved := range f.store.checkpoints {
		if kept := strings.Count(saved, content); kept > 6 {
			t.Fatalf("checkpoint %d of %d has %d contents", i, len(f.store.checkpoints), kept)
		}
	}
	if run := f.stored(t, id); outcome(run.Steps) != fmt.Sprintf("outer=%q(inner=%[1]q(f=%[1]q))", content) {
		t.Errorf("steps %s", outcome(run.Steps))
	}
}

// A loop that ended tells the contents of its last iteration alone.
func TestEventOfALoop(t *testing.T) {
	t.Parallel()
	f := newWorkflow(t, []host.Step{repeats("loop", 3, invokes("f"))}, []*function{newFunction("f", returns(`"x"`))})
	_, s := f.streamed(t, asksFlow("go"))
	for _, e := range s.events {
		if e.Kind != host.EventLoopCompleted {
			continue
		}
		told := ""
		for _, results := range e.Step.Iterations {
			told += outcome(results) + ";"
		}
		if want := `f="";f="";f="x";`; told != want {
			t.Errorf("told %s, want %s", told, want)
		}
		return
	}
	t.Error("no event")
}

// Loops inside one another have one bound, which another worker does not lift.
func TestStepsAreBounded(t *testing.T) {
	t.Parallel()
	tired := again(newFunction("f", nil))
	f := newWorkflow(t, []host.Step{repeats("outer", host.MaxIterations, repeats("inner", host.MaxIterations, invokes("f")))}, []*function{tired})
	f.config.Workflows[0].Steps[0].OnError = host.StepSkip
	f.configure(t, func(*engine.Config) {})
	worker, stop := context.WithCancel(t.Context())
	tired.work = func(context.Context, host.ToolInvocation) (host.ToolResult, error) {
		if len(tired.calls) == host.MaxSteps/2 {
			stop()
		}
		return host.ToolResult{Value: json.RawMessage(`1`)}, nil
	}
	id := f.accept(t, asksFlow("go")).ID
	f.stopIn(t, worker, id)
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	run := f.stored(t, id)
	if run.Status != host.RunError || run.Failure.Message != "The workflow has carried out the 10000 steps that a run may carry out." {
		t.Errorf("run %+v, failure %+v", run.Status, run.Failure)
	}
	if n := len(tired.calls); n < host.MaxSteps-50 || n > host.MaxSteps {
		t.Errorf("%d calls", n)
	}
}

// What the steps of a workflow came to has a bound, too.
func TestContentsOfStepsAreBounded(t *testing.T) {
	t.Parallel()
	large := newFunction("f", returns(`"`+strings.Repeat("x", host.MaxToolResult-2)+`"`))
	var steps []host.Step
	for i := range 17 {
		step := invokes("f")
		step.Name = fmt.Sprint("s", i)
		steps = append(steps, step)
	}
	steps[16].OnError, steps[16].Retries = host.StepRetry, 2
	run := newWorkflow(t, steps, []*function{large}).run(t, asksFlow("go"))
	want := "The step s16 failed: the contents of the workflow's steps have 17825792 bytes together; they may have 16777216"
	if run.Failure == nil || run.Failure.Message != want || len(large.calls) != 17 {
		t.Errorf("failure %+v after %d calls", run.Failure, len(large.calls))
	}
	run = newWorkflow(t, []host.Step{repeats("loop", 40, steps[0])}, []*function{large}).run(t, asksFlow("go"))
	if run.Status != host.RunCompleted {
		t.Errorf("the last content alone counts: failure %+v", run.Failure)
	}
}
