package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// newWorkflow has the agents analyzer and summarizer, the functions of the plugin
// box, and the workflow of the steps.
func newWorkflow(t *testing.T, steps []host.Step, functions []*function, bound ...boundHook) *fixture {
	t.Helper()
	f := newFixture(t, bound...)
	f.model.script = lines{}.script
	f.configure(t, func(c *engine.Config) {
		c.Agents = append(slices.Clone(c.Agents), &host.Agent{ID: "analyzer", Model: "default"}, &host.Agent{ID: "summarizer", Model: "default"})
		c.Workflows = []*host.Workflow{{ID: "flow", Name: "Flow", Steps: steps}}
		c.Tools = &toolbox{functions: functions}
	})
	return f
}

// asksFlow is a request of the session s.
func asksFlow(text string) host.RunRequest {
	req := asks(text)
	req.Component = host.Component{Kind: host.KindWorkflow, ID: "flow"}
	return req
}

func runs(agent string) host.Step {
	return host.Step{Name: agent, Kind: host.StepComponent, Component: host.BindingScope{Kind: host.KindAgent, ID: agent}}
}

func invokes(name string) host.Step {
	return host.Step{Name: name, Kind: host.StepFunction, Function: &host.StepCall{Plugin: "box", Function: name}}
}

// takes has the function be told what the names say.
func (f *function) takes(names ...string) *function {
	properties := map[string]any{}
	for _, name := range names {
		properties[name] = map[string]any{}
	}
	data, err := json.Marshal(map[string]any{"type": "object", "properties": properties})
	if err != nil {
		panic(err)
	}
	f.Parameters = data
	return f
}

// outcome shows what steps came to.
func outcome(steps []host.StepOutput) string {
	var parts []string
	for _, s := range steps {
		part := s.Name + "=" + string(s.Content)
		if s.Error != "" {
			part = s.Name + "!" + s.Error
		}
		if len(s.Steps) > 0 {
			part += "(" + outcome(s.Steps) + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func TestWorkflow(t *testing.T) {
	t.Parallel()
	count, upper, last := newFunction("count", returns(`5`)), newFunction("upper", returns(`"UP"`)), newFunction("last", returns(`{"done":true}`)).takes("input", "previous", "steps", "session_state")
	f := newWorkflow(t, []host.Step{
		runs("analyzer"),
		{Name: "both", Kind: host.StepParallel, Steps: []host.Step{invokes("count"), invokes("upper")}},
		invokes("last"),
	}, []*function{count, upper, last}, blocking(pluginapi.PointInput, "in", says(allow)))
	f.model.script = lines{"analyzer": {text("analysis")}}.script
	run, s := f.streamed(t, asksFlow("question"))
	if run.Status != host.RunCompleted || string(run.Content) != `{"done":true}` || run.ContentType != "dict" {
		t.Fatalf("run %+v, failure %+v", run, run.Failure)
	}
	together := `"## Parallel Execution Results\n\n### ✅ SUCCESS: count\n5\n\n### ✅ SUCCESS: upper\nUP"`
	want := `analyzer="analysis" both=` + together + `(count="5" upper="UP") last={"done":true}`
	if got := outcome(f.stored(t, run.ID).Steps); got != want {
		t.Errorf("steps %s", got)
	}
	told := s.told()
	slices.Sort(told[12:16]) // the branches
	wantTold := []string{
		"flow RunStarted", "flow StepStarted analyzer[0]",
		"analyzer RunStarted", "analyzer PreHookStarted in", "analyzer PreHookCompleted in", "analyzer ModelRequestStarted",
		"analyzer RunContent", "analyzer ModelRequestCompleted", "analyzer RunContentCompleted", "analyzer RunCompleted",
		"flow StepCompleted analyzer[0]", "flow ParallelExecutionStarted both[1]",
		"flow StepCompleted count[1 0]", "flow StepCompleted upper[1 1]", "flow StepStarted count[1 0]", "flow StepStarted upper[1 1]",
		"flow ParallelExecutionCompleted both[1]", "flow StepStarted last[2]", "flow StepOutput last[2]", "flow StepCompleted last[2]",
		"flow RunCompleted",
	}
	if diff := cmp.Diff(wantTold, told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var args struct {
		Input, Previous any
		Steps           map[string]any
		SessionState    map[string]any `json:"session_state"`
	}
	if err := json.Unmarshal([]byte(last.made()[0]), &args); err != nil || args.Input != "question" || len(args.Steps) != 4 || args.SessionState == nil {
		t.Errorf("arguments %s, %v", last.made(), err)
	}
	child := run.Children[0]
	if child.Step == nil || child.Step.WorkflowRunID != run.ID || child.Step.Name != "analyzer" || child.ParentID != run.ID {
		t.Errorf("child %+v", child)
	}
}

func TestResultsOfFunctions(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"text"`: `"text"`, `{"a":1}`: `{"a":1}`, `[1,"b"]`: `"[1,\"b\"]"`, `5`: `"5"`, `true`: `"true"`, `null`: `"null"`, `""`: `""`,
	} {
		f := newWorkflow(t, []host.Step{invokes("f")}, []*function{newFunction("f", returns(value))})
		if run := f.run(t, asksFlow("go")); string(run.Content) != want {
			t.Errorf("%s became %s, failure %+v", value, run.Content, run.Failure)
		}
	}
}

// failing is a function that fails as often as it is told to.
func failing(name string, times int) *function {
	f := newFunction(name, nil)
	f.work = func(context.Context, host.ToolInvocation) (host.ToolResult, error) {
		if times--; times >= 0 {
			return host.ToolFailure("out of paper"), nil
		}
		return host.ToolResult{Value: json.RawMessage(`"printed"`)}, nil
	}
	return f
}

func TestOnError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		onError host.OnStepError
		fails   int
		want    string
		status  host.RunStatus
		made    int
	}{
		"fail":               {host.StepFail, 1, "", host.RunError, 1},
		"unsaid":             {"", 1, "", host.RunError, 1},
		"skip":               {host.StepSkip, 1, `print!out of paper summarizer="summarizer says go"`, host.RunCompleted, 1},
		"retry":              {host.StepRetry, 2, `print="printed" summarizer="summarizer says printed"`, host.RunCompleted, 3},
		"retry fails anyway": {host.StepRetry, 3, "", host.RunError, 3},
	} {
		step := invokes("print")
		step.OnError, step.Retries = test.onError, 2
		tool := failing("print", test.fails)
		f := newWorkflow(t, []host.Step{step, runs("summarizer")}, []*function{tool})
		run, s := f.streamed(t, asksFlow("go"))
		if run.Status != test.status || outcome(run.Steps) != test.want || len(tool.made()) != test.made {
			t.Errorf("%s: run %s, steps %s, failure %+v, %d calls", name, run.Status, outcome(run.Steps), run.Failure, len(tool.made()))
		}
		if run.Failure != nil && (run.Failure.Type != host.FailureStep || run.Failure.ID != "print" || run.Failure.Message != "The step print failed: out of paper") {
			t.Errorf("%s: failure %+v", name, run.Failure)
		}
		if !slices.Contains(s.told(), "flow StepError print[0]") {
			t.Errorf("%s: events %v", name, s.told())
		}
	}
}

// A refusal fails the workflow whatever the step says.
func TestRefusalFailsTheWorkflow(t *testing.T) {
	t.Parallel()
	for name, guard := range map[string]boundHook{
		"of a component":  blocking(pluginapi.PointInput, "guard", says(deny)).only("analyzer"),
		"of a call":       blocking(pluginapi.PointPreToolCall, "guard", says(deny)).only("flow"),
		"of a result":     blocking(pluginapi.PointPostToolCall, "guard", says(deny)).only("flow"),
		"of the workflow": blocking(pluginapi.PointOutput, "guard", says(deny)).only("flow"),
	} {
		for _, onError := range []host.OnStepError{host.StepSkip, host.StepRetry} {
			first, second := runs("analyzer"), invokes("f")
			first.OnError, second.OnError, first.Retries, second.Retries = onError, onError, 2, 2
			tool := newFunction("f", returns(`"`+rejected+`"`))
			f := newWorkflow(t, []host.Step{first, second}, []*function{tool}, guard)
			run, s := f.streamed(t, asksFlow("go"))
			if run.Status != host.RunError || !run.Failure.Refused || run.Failure.Message != "Not here." || len(tool.made()) > 1 {
				t.Errorf("%s: run %+v, failure %+v, calls %v", name, run, run.Failure, tool.made())
			}
			if s.contains(t, rejected) || f.store.contains(t, rejected) {
				t.Errorf("%s: what was refused is kept", name)
			}
		}
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	left, right := newFunction("left", returns(`"L"`)), newFunction("right", returns(`"R"`))
	condition := func(d host.Decision) []host.Step {
		return []host.Step{{Name: "if", Kind: host.StepCondition, Decide: d, Steps: []host.Step{invokes("left")}, Else: []host.Step{invokes("right")}}}
	}
	router := func(d host.Decision) []host.Step {
		return []host.Step{{Name: "which", Kind: host.StepRouter, Decide: d, Steps: []host.Step{invokes("left"), invokes("right")}}}
	}
	by := func(value string) host.Decision {
		return host.Decision{Function: &host.StepCall{Plugin: "box", Function: value}}
	}
	var deciders []*function
	for name, value := range map[string]string{
		"yes": `true`, "no": `false`, "one": `"right"`, "two": `["right","left"]`, "none": `[]`, "unknown": `"up"`, "number": `5`, "null": `null`,
	} {
		deciders = append(deciders, newFunction(name, returns(value)))
	}
	for name, test := range map[string]struct {
		steps []host.Step
		want  string
	}{
		"true":             {condition(host.Decision{CEL: `input == "go"`}), `if="L"(left="L")`},
		"false":            {condition(host.Decision{CEL: `input == "stop"`}), `if="R"(right="R")`},
		"state":            {condition(host.Decision{CEL: `session_state.turn == 1`}), `if="L"(left="L")`},
		"function true":    {condition(by("yes")), `if="L"(left="L")`},
		"function false":   {condition(by("no")), `if="R"(right="R")`},
		"function number":  {condition(by("number")), "!The step if failed: the function did not return true or false"},
		"function null":    {condition(by("null")), "!The step if failed: the function did not return true or false"},
		"no choice":        {router(by("null")), "!The step which failed: the function did not return a string or a list of strings"},
		"before the first": {condition(host.Decision{CEL: `previous == "go"`}), `if="L"(left="L")`},
		"one":              {router(host.Decision{CEL: `"right"`}), `which="R"(right="R")`},
		"list":             {router(host.Decision{CEL: `["left","right"]`}), `which="R"(left="L" right="R")`},
		"function one":     {router(by("one")), `which="R"(right="R")`},
		"function two":     {router(by("two")), `which="L"(right="R" left="L")`},
		"function none":    {router(by("none")), `which="go"`},
		"function unknown": {router(by("unknown")), `!The step which failed: there is no choice "up"`},
		"no such function": {router(by("nothing")), "!The step which failed: plugin box has no function nothing"},
		"missing state":    {condition(host.Decision{CEL: `session_state.nothing == 1`}), "!The step if failed: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newWorkflow(t, test.steps, append([]*function{left, right}, deciders...))
			req := asksFlow("go")
			req.SessionState = json.RawMessage(`{"turn":1}`)
			run := f.run(t, req)
			got := outcome(run.Steps)
			if run.Status != host.RunCompleted {
				got = "!" + run.Failure.Message
			}
			if !strings.HasPrefix(got, test.want) || len(got) > len(test.want) && !strings.HasSuffix(test.want, ": ") {
				t.Errorf("got %s", got)
			}
		})
	}
}

// An expression that would take forever fails its step.
func TestDecisionThatNeverEnds(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 50), ",") + "]"
	endless := fmt.Sprintf("%[1]s.all(a, %[1]s.all(b, %[1]s.all(c, %[1]s.all(d, %[1]s.all(e, a+b+c+d+e > 0)))))", list)
	steps := []host.Step{{Name: "if", Kind: host.StepCondition, Decide: host.Decision{CEL: endless}, Steps: []host.Step{invokes("f")}}}
	f := newFixture(t)
	cfg := f.config
	cfg.Workflows, cfg.Tools = []*host.Workflow{{ID: "flow", Steps: steps}}, &toolbox{}
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run, err := e.Run(t.Context(), asksFlow("go"))
	if err != nil || run.Status != host.RunError || run.Failure.Type != host.FailureStep {
		t.Errorf("run %+v, %v", run, err)
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	loop := func(cel string, most int) []host.Step {
		return []host.Step{{Name: "loop", Kind: host.StepLoop, MaxIterations: most, Decide: host.Decision{CEL: cel}, Steps: []host.Step{invokes("grow")}}}
	}
	for name, test := range map[string]struct {
		steps []host.Step
		want  string
	}{
		"until": {loop(`size(previous) >= 5`, 10), `"go!!!"`},
		"bound": {loop(`false`, 2), `"go!!"`},
		"count": {loop(``, 4), `"go!!!!"`},
	} {
		grow := newFunction("grow", nil).takes("previous")
		grow.work = func(_ context.Context, call host.ToolInvocation) (host.ToolResult, error) {
			var args struct{ Previous string }
			err := json.Unmarshal(call.Args, &args)
			return host.ToolResult{Value: host.TextContent(args.Previous + "!")}, err
		}
		f := newWorkflow(t, test.steps, []*function{grow})
		run, s := f.streamed(t, asksFlow("go"))
		if string(run.Content) != test.want {
			t.Errorf("%s: content %s, failure %+v", name, run.Content, run.Failure)
		}
		iterations := 0
		for _, line := range s.told() {
			if line == "flow LoopIterationCompleted loop[0]" {
				iterations++
			}
		}
		if iterations != strings.Count(test.want, "!") {
			t.Errorf("%s: events %v", name, s.told())
		}
	}
}

// A branch that fails ends the others.
func TestParallelFails(t *testing.T) {
	t.Parallel()
	waits := newFunction("fails", nil)
	working := make(chan struct{})
	waits.work = func(context.Context, host.ToolInvocation) (host.ToolResult, error) {
		<-working
		return host.ToolFailure("no"), nil
	}
	f := newWorkflow(t, []host.Step{
		{Name: "both", Kind: host.StepParallel, OnError: host.StepSkip, Steps: []host.Step{runs("analyzer"), invokes("fails")}},
		runs("summarizer"),
	}, []*function{waits})
	f.model.script = func(c context.Context, req model.Request) (model.Response, error) {
		if req.Agent == "summarizer" {
			return text("summary"), nil
		}
		close(working)
		<-c.Done()
		return model.Response{}, c.Err()
	}
	run := f.run(t, asksFlow("go"))
	if outcome(run.Steps) != `both!no summarizer="summary"` {
		t.Errorf("run %+v, steps %s", run, outcome(run.Steps))
	}
	if len(run.Children) != 2 || run.Children[0].Status != host.RunCancelled {
		t.Errorf("children %+v", run.Children)
	}
}

func TestWorkflowWithASchema(t *testing.T) {
	t.Parallel()
	f := newWorkflow(t, []host.Step{runs("analyzer")}, nil)
	f.model.script = lines{"analyzer": {text(`{"n":1}`)}}.script
	req := asksFlow("go")
	req.OutputSchema = json.RawMessage(`{"type":"object","title":"N","properties":{"n":{"type":"integer"}},"required":["n"]}`)
	if run := f.run(t, req); string(run.Content) != `{"n":1}` || run.ContentType != "N" {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
	f = newWorkflow(t, []host.Step{invokes("f")}, []*function{newFunction("f", returns(`{"n":"one"}`))})
	if run := f.run(t, req); run.Status != host.RunError || run.Failure.Type != host.FailureOutputSchema {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
}

// A group of steps is asked for the form of the workflow where its last step answers
// for the workflow, and no other step is.
func TestSchemaOfAGroup(t *testing.T) {
	t.Parallel()
	always, inside := host.Decision{CEL: "true"}, []host.Step{runs("analyzer"), runs("summarizer")}
	for kind, group := range map[host.StepKind]host.Step{
		host.StepCondition: {Decide: always, Steps: inside},
		host.StepRouter:    {Decide: host.Decision{CEL: `["analyzer", "summarizer"]`}, Steps: inside},
		host.StepLoop:      {Decide: always, Steps: inside, MaxIterations: 3},
	} {
		group.Name, group.Kind = "group", kind
		f := newWorkflow(t, []host.Step{group}, nil)
		f.model.script = lines{"analyzer": {text("prose")}, "summarizer": {text("not yet"), text(`{"n":1}`)}}.script
		req := asksFlow("go")
		req.OutputSchema = json.RawMessage(`{"type":"object","title":"N","properties":{"n":{"type":"integer"}},"required":["n"]}`)
		if run := f.run(t, req); string(run.Content) != `{"n":1}` || run.ContentType != "N" {
			t.Errorf("%s: run %+v, failure %+v", kind, run, run.Failure)
		}
	}
}

// A workflow's own hooks see its input and its answer; what is held back for them no
// event shows.
func TestHooksOfAWorkflow(t *testing.T) {
	t.Parallel()
	var s *stream
	check := blocking(pluginapi.PointOutput, "check", func(context.Context, pluginapi.Context) (string, error) {
		if s.contains(t, "analysis") {
			t.Errorf("left before the verdict: %v", s.told())
		}
		return transform("$target.content", "polished"), nil
	}).only("flow")
	f := newWorkflow(t, []host.Step{
		runs("analyzer"),
		{Name: "both", Kind: host.StepParallel, Steps: []host.Step{invokes("f")}},
		{Name: "loop", Kind: host.StepLoop, MaxIterations: 2, Steps: []host.Step{invokes("g")}},
	}, []*function{newFunction("f", returns(`"analysis"`)), newFunction("g", returns(`"analysis"`))},
		blocking(pluginapi.PointInput, "mask", says(transform("$target.content", "masked"))).only("flow"), check,
		background(pluginapi.PointOutput, "log"))
	f.model.script = lines{"analyzer": {text("analysis")}}.script
	s = &stream{}
	req := asksFlow("raw")
	req.Events = s.send
	run := f.run(t, req)
	inside, err := f.store.ChildRuns(t.Context(), run.ID)
	if err != nil || len(inside) != 1 {
		t.Fatalf("runs inside: %+v, %v", inside, err)
	}
	if string(run.Content) != `"polished"` || string(run.Input) != `"masked"` || string(inside[0].Input) != `"masked"` {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
	if shown, err := json.Marshal(run); err != nil || strings.Contains(string(shown), "analysis") || run.Children != nil {
		t.Errorf("shown with the run is what the hook changed: %s, %v", shown, err)
	}
	if again, err := f.WithChildren(t.Context(), run); err != nil || again.Children != nil || !run.Sealed {
		t.Errorf("inside the run: %+v, %v", again.Children, err)
	}
	for _, id := range []string{run.ID, inside[0].ID} {
		if calls := f.calls(t, id); !slices.Contains(calls, "output log queued") {
			t.Errorf("calls %v", calls)
		}
	}
}

func TestFailureOfAComponent(t *testing.T) {
	t.Parallel()
	f := newWorkflow(t, []host.Step{runs("analyzer")}, nil)
	f.model.script = func(context.Context, model.Request) (model.Response, error) {
		return model.Response{}, &model.Error{Type: model.ErrorRateLimit, Message: "slow down"}
	}
	run := f.run(t, asksFlow("go"))
	if run.Failure == nil || run.Failure.Message != "The step analyzer failed: analyzer failed: slow down" || run.Failure.Refused {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
}

// A step's function that is gone, or whose arguments do not fit, fails the step.
func TestFunctionCannotBeCalled(t *testing.T) {
	t.Parallel()
	unfit := newFunction("unfit", returns(`1`))
	unfit.Parameters = json.RawMessage(`{"type":"object","properties":{"other":{"type":"string"}},"required":["other"]}`)
	for name, err := range map[string]error{
		"gone": nil, "unfit": nil, "closed": host.Errorf(host.CodeUnavailable, "the plugin is inactive"), "broken": errors.New("disk broken"),
	} {
		step := invokes(name)
		step.OnError = host.StepSkip
		f := newWorkflow(t, []host.Step{step, runs("summarizer")}, []*function{unfit})
		f.config.Tools.(*toolbox).err = err
		run := f.run(t, asksFlow("go"))
		if skipped := strings.HasPrefix(outcome(run.Steps), name+"!"); skipped != (name != "broken") {
			t.Errorf("%s: run %+v, steps %s, failure %+v", name, run, outcome(run.Steps), run.Failure)
		}
	}
}

func TestWorkflowsAreChecked(t *testing.T) {
	t.Parallel()
	f := newWorkflow(t, []host.Step{runs("analyzer")}, nil)
	for want, steps := range map[string][]host.Step{
		"there are no steps": nil,
		"used twice":         {runs("analyzer"), runs("analyzer")},
		"does not exist":     {runs("nobody")},
		"nothing decides":    {{Name: "if", Kind: host.StepCondition, Steps: []host.Step{runs("analyzer")}}},
		"no function":        {{Name: "f", Kind: host.StepFunction}},
		"is unknown":         {{Name: "f", Kind: "dance"}},
		"has no end":         {{Name: "loop", Kind: host.StepLoop, Steps: []host.Step{runs("analyzer")}}},
		"step if":            {{Name: "if", Kind: host.StepCondition, Decide: host.Decision{CEL: "input +"}, Steps: []host.Step{runs("analyzer")}}},
	} {
		cfg := f.config
		cfg.Workflows = []*host.Workflow{{ID: "flow", Steps: steps}}
		if _, err := engine.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
