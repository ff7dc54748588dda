package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

// TestStepEvents: the events of steps that the streams of other tests do not have.
func TestStepEvents(t *testing.T) {
	t.Parallel()
	flow := &host.Run{
		ID: "run-1", RootID: "run-1", SessionID: "s-1", Status: host.RunRunning,
		Component: host.Component{Kind: host.KindWorkflow, ID: "flow", Name: "Flow"},
	}
	ended := *flow
	ended.Status, ended.Content = host.RunCancelled, host.TextContent("half")
	failed := *flow
	failed.Status = host.RunError
	failed.Failure = &host.Failure{Type: host.FailureStep, ID: "one", Message: "The step one failed: no"}
	one := host.StepOutput{ID: "i-1", Name: "one", Kind: host.StepComponent, Content: host.TextContent("said"), RunID: "run-2",
		Executor: host.Component{Kind: host.KindTeam, ID: "t", Name: "T"}, Metrics: &host.Metrics{Duration: 0.5}, Model: "m", ModelProvider: "p"}
	skipped := host.StepOutput{ID: "i-2", Name: "two", Kind: host.StepFunction, Error: "no", Content: host.TextContent("Step skipped due to error: no")}
	results := []host.StepOutput{one, skipped}
	step := func(kind host.EventKind, s host.StepEvent) host.Event {
		s.ID, s.Name = "i-0", "outer"
		return host.Event{Kind: kind, At: at, Run: flow, Step: &s}
	}
	var stream strings.Builder
	for _, e := range []host.Event{
		{Kind: host.EventRunContinued, At: at, Run: flow},
		step(host.EventLoopStarted, host.StepEvent{Index: []int{0}, MaxIterations: 3}),
		step(host.EventLoopIterationStarted, host.StepEvent{Index: []int{0}, Iteration: 1, MaxIterations: 3}),
		step(host.EventLoopIterationCompleted, host.StepEvent{Index: []int{0}, Iteration: 1, MaxIterations: 3, Results: results}),
		step(host.EventLoopCompleted, host.StepEvent{Index: []int{0}, Iteration: 1, MaxIterations: 3, Iterations: [][]host.StepOutput{results}}),
		step(host.EventConditionStarted, host.StepEvent{Index: []int{0, 1}, ParentID: "i-9"}),
		step(host.EventConditionCompleted, host.StepEvent{Index: []int{0, 1}, ParentID: "i-9", Results: results[:1]}),
		step(host.EventRouterStarted, host.StepEvent{Index: []int{2}}),
		step(host.EventRouterCompleted, host.StepEvent{Index: []int{2}, Selected: []string{"one"}, Results: results[:1]}),
		step(host.EventStepError, host.StepEvent{Index: []int{3}, Error: "no"}),
		{Kind: host.EventRunCancelled, At: at, Run: &ended},
		{Kind: host.EventRunError, At: at, Run: &failed},
	} {
		data, err := encodeJSON(newEventBody(&e))
		must(t, err)
		fmt.Fprintf(&stream, "event: %s\ndata: %s\n\n", eventName(&e), data)
	}
	golden(t, "step-events.sse", stream.String())
}

// TestEventsWithoutName: what clients do not know of workflows is not sent.
func TestEventsWithoutName(t *testing.T) {
	t.Parallel()
	run := &host.Run{Component: host.Component{Kind: host.KindWorkflow, ID: "flow"}}
	for _, kind := range []host.EventKind{host.EventRunContent, host.EventToolCallStarted, host.EventPreHookStarted} {
		if name := eventName(&host.Event{Kind: kind, Run: run}); name != "" {
			t.Errorf("%s is sent as %s", kind, name)
		}
	}
}

// TestToolCallError: why a call failed, beside the call itself.
func TestToolCallError(t *testing.T) {
	t.Parallel()
	run, why := completedRun(), "The call was denied: no"
	e := host.Event{Kind: host.EventToolCallError, At: at, Run: &run, Tool: &host.ToolExecution{
		ToolCall: host.ToolCall{ID: "c", Name: "rm", Args: []byte(`{"path":"/"}`)}, Result: &why, Error: true, CreatedAt: at,
	}}
	data, err := encodeJSON(newEventBody(&e))
	must(t, err)
	for _, want := range []string{
		`"tool":{"tool_call_id":"c","tool_name":"rm","tool_args":{"path":"/"},"tool_call_error":true,"result":"The call was denied: no","metrics":null,`,
		`},"error":"The call was denied: no"}`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("event %s, want %s", data, want)
		}
	}
}

func TestCallText(t *testing.T) {
	t.Parallel()
	call := host.ToolExecution{StartedAt: at, FinishedAt: at.Add(300_000)}
	for args, want := range map[string]string{
		`{}`:                        `f() completed in 0.0003s. `,
		``:                          `f() completed in 0.0003s. `,
		`{"city":"Paris","n":2.50}`: `f(city=Paris, n=2.50) completed in 0.0003s. `,
		`{"b":{"x":1},"a":null}`:    `f(b={"x":1}, a=null) completed in 0.0003s. `,
		`{"s":"` + strings.Repeat("x", 99) + `"}`: `f(s=` + strings.Repeat("x", 60) + `…) completed in 0.0003s. `,
	} {
		call.ToolCall = host.ToolCall{Name: "f", Args: []byte(args)}
		if got := callText(&call); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}
