package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// rainy are the lines of an agent that asks for the weather once.
func rainy() lines {
	asks := calls(`c1 weather {"city":"Oslo"}`)
	asks.Content = "Let me see."
	return lines{"a": {asks, text("It rains.")}}
}

func allPoints() []boundHook {
	var all []boundHook
	for _, p := range pluginapi.Points() {
		all = append(all, blocking(p, strings.ReplaceAll(string(p), "_", "-"), says(allow)))
	}
	return all
}

func TestToolCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t, allPoints()...)
	tool := weather()
	f.withTools(t, rainy(), tool)
	run, s := f.streamed(t, asks("Weather?"))
	if run.Status != host.RunCompleted || string(run.Content) != `"It rains."` {
		t.Fatalf("run %+v, failure %+v", run, run.Failure)
	}
	want := []string{
		"a RunStarted", "a PreHookStarted input", "a PreHookCompleted input",
		"a ModelRequestStarted", "a ModelRequestCompleted", "a ToolCallStarted weather", "a ToolCallCompleted weather",
		"a ModelRequestStarted", "a ModelRequestCompleted",
		"a PostHookStarted output", "a PostHookCompleted output", "a RunContent", "a RunContentCompleted", "a RunCompleted",
	}
	if diff := cmp.Diff(want, s.told()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	points := []pluginapi.Point{}
	for i, c := range f.hooks.seen {
		points = append(points, c.Point)
		if c.Sequence != int64(i) {
			t.Errorf("%s has sequence %d, want %d", c.Point, c.Sequence, i)
		}
	}
	wantPoints := []pluginapi.Point{
		"agent_startup", "input", "pre_model_call", "post_model_call", "pre_tool_call", "post_tool_call",
		"pre_model_call", "post_model_call", "output", "agent_shutdown",
	}
	if diff := cmp.Diff(wantPoints, points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`{"city":"Oslo"}`}, tool.made()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	stored := f.stored(t, run.ID)
	if diff := cmp.Diff([]string{"rain"}, toolMessages(&stored)); diff != "" || len(stored.Tools) != 1 || stored.Metrics.TotalTokens != 6 {
		t.Errorf("messages %s, tools %+v, metrics %+v", diff, stored.Tools, stored.Metrics)
	}
	last := f.model.requests[1].Messages
	if m := last[len(last)-1]; m.Role != "tool" || m.ToolCallID != "c1" || string(m.Content) != `"rain"` {
		t.Errorf("the model is told %+v", m)
	}
}

// What each call comes to, for the model and for clients.
func TestToolOutcomes(t *testing.T) {
	t.Parallel()
	fails := func(err error) work {
		return func(context.Context, host.ToolInvocation) (host.ToolResult, error) { return host.ToolResult{}, err }
	}
	for name, test := range map[string]struct {
		call string
		work work
		want string
		made int
	}{
		"result":    {`c weather {"city":"Oslo"}`, returns(`{"sky":"grey"}`), `{"sky":"grey"}`, 1},
		"no result": {`c weather {"city":"Oslo"}`, returns(`null`), ``, 1},
		"number":    {`c weather {"city":"Oslo"}`, returns(`5`), `5`, 1},
		"own error": {`c weather {"city":"Oslo"}`, func(context.Context, host.ToolInvocation) (host.ToolResult, error) {
			return host.ToolFailure("no such city"), nil
		}, "error: no such city", 1},
		"secret error": {`c weather {"city":"Oslo"}`, fails(errors.New("password 123")), "error: The tool failed.", 1},
		"coded error":  {`c weather {"city":"Oslo"}`, fails(host.Errorf(host.CodeUnavailable, "no connection")), "error: The tool failed: no connection", 1},
		"guest error": {`c weather {"city":"Oslo"}`, fails(&host.CallError{Code: host.CallTimeout, Message: "too slow"}),
			"error: The tool failed: too slow", 1},
		"50 MB": {`c weather {"city":"Oslo"}`, returns(`"` + strings.Repeat("a", 50<<20) + `"`),
			"error: The tool's result has 52428802 bytes; it may have 1048576.", 1},
		"no JSON": {`c weather {"city":"Oslo"}`, returns(`{`),
			"error: The tool's result is not JSON in valid Unicode and nested at most 64 levels deep.", 1},
		"half a character": {`c weather {"city":"Oslo"}`, returns(`"\ud800"`),
			"error: The tool's result is not JSON in valid Unicode and nested at most 64 levels deep.", 1},
		"unknown tool": {`c wether {"city":"Oslo"}`, returns(`"rain"`), `error: There is no tool "wether".`, 0},
		"not an object": {`c weather `, returns(`"rain"`),
			"error: The arguments are not a JSON object that can be read.", 0},
		"half arguments": {`c weather {"city":"\ud800"}`, returns(`"rain"`),
			"error: The arguments are not a JSON object that can be read.", 0},
		"unfit": {`c weather {"town":"Oslo"}`, returns(`"rain"`), "error: The arguments do not fit the tool's schema: ", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			tool := weather()
			tool.work = test.work
			f.withTools(t, lines{"a": {calls(test.call), text("Done.")}}, tool)
			run, s := f.streamed(t, asks("Weather?"))
			if run.Status != host.RunCompleted || string(run.Content) != `"Done."` {
				t.Fatalf("run %+v, failure %+v", run, run.Failure)
			}
			if told := toolMessages(&run); len(told) != 1 || !strings.HasPrefix(told[0], test.want) || test.want == "" && told[0] != "" {
				t.Errorf("the model is told %.200q", told)
			}
			failed := strings.HasPrefix(test.want, "error: ")
			if kinds := s.kinds(); kinds[3] != "ToolCallStarted" || kinds[4] != "ToolCallCompleted" || (kinds[5] == "ToolCallError") != failed {
				t.Errorf("events %v", kinds)
			}
			if got := len(tool.made()); got != test.made {
				t.Errorf("%d calls", got)
			}
			if f.store.contains(t, "password 123") {
				t.Error("the cause of the failure was kept")
			}
		})
	}
}

// A panic of a tool is a fault of the host, and ends the run alone.
func TestToolPanics(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.withTools(t, rainy(), func() *function {
		tool := weather()
		tool.work = func(context.Context, host.ToolInvocation) (host.ToolResult, error) { panic("clouds") }
		return tool
	}())
	run := f.run(t, asks("Weather?"))
	if run.Status != host.RunError || run.Failure.Message != "The run failed inside the host." {
		t.Errorf("run %+v", run)
	}
}

func TestToolTimeout(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"own": 3 * time.Second, "waits": 4 * time.Second, "default": 0} {
		f := newFixture(t)
		synctest.Test(t, func(t *testing.T) {
			tool := weather()
			tool.Timeout = limit
			if name == "waits" {
				tool.Timeout, tool.Wait = time.Second, 3*time.Second
			}
			tool.work = func(c ctx, _ host.ToolInvocation) (host.ToolResult, error) {
				<-c.Done()
				return host.ToolResult{}, c.Err()
			}
			box := &toolbox{functions: []*function{tool}}
			f.agent.Tools = []host.ToolRef{{Plugin: "box"}}
			e := f.node(t, func(c *engine.Config) {
				c.Tools, c.Store = box, nowhere{}
				c.Models = map[string]model.Model{"default": &oracle{script: rainy().script}}
			})
			run, err := e.Run(t.Context(), asks("Weather?"))
			want := "error: The tool did not answer within 1m0s."
			if limit > 0 {
				want = fmt.Sprintf("error: The tool did not answer within %s.", limit)
			}
			if diff := cmp.Diff([]string{want}, toolMessages(&run)); err != nil || diff != "" {
				t.Errorf("%s: %v, messages (-want +got):\n%s", name, err, diff)
			}
		})
	}
}

// Calls of one answer are made at once, and told of in the order they were asked for.
func TestParallelToolCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t, allPoints()...)
	meet := make(chan struct{})
	first, second := newFunction("first", nil), newFunction("second", returns(`"2"`))
	first.work = func(c ctx, _ host.ToolInvocation) (host.ToolResult, error) {
		<-meet
		return host.ToolResult{Value: json.RawMessage(`"1"`)}, nil
	}
	second.work = func(ctx, host.ToolInvocation) (host.ToolResult, error) {
		close(meet)
		return host.ToolResult{Value: json.RawMessage(`"2"`)}, nil
	}
	f.withTools(t, lines{"a": {calls(`x first {}`, `x second {}`, `y third {}`), text("Done.")}}, first, second)
	run, _ := f.streamed(t, asks("Go"))
	if run.Status != host.RunCompleted {
		t.Fatalf("run %+v, failure %+v", run, run.Failure)
	}
	if diff := cmp.Diff([]string{"1", "2", `error: There is no tool "third".`}, toolMessages(&run)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	ids := map[string]bool{}
	for _, done := range run.Tools {
		ids[done.ID] = true
	}
	if len(ids) != 3 || ids[""] {
		t.Errorf("ids %v", ids)
	}
	f.checkSequence(t, 0)
}

// checkSequence has every point of the tree count once.
func (f *fixture) checkSequence(t *testing.T, first int64) {
	t.Helper()
	seen := map[int64]bool{}
	for _, c := range f.hooks.seen {
		if seen[c.Sequence] || c.Sequence < first {
			t.Errorf("%s has sequence %d again", c.Point, c.Sequence)
		}
		seen[c.Sequence] = true
	}
	if len(seen) == 0 {
		t.Error("no hook was called")
	}
}

const rejected = "0451-rejected"

// A call that is denied is never made; the model is told, and the run goes on.
func TestDeniedToolCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointPreToolCall, "log"), blocking(pluginapi.PointPreToolCall, "guard", says(deny)))
	tool := weather()
	f.withTools(t, rainy(), tool)
	run, s := f.streamed(t, asks("Weather?"))
	if diff := cmp.Diff([]string{"error: The call was denied: Not here."}, toolMessages(&run)); diff != "" || run.Status != host.RunCompleted {
		t.Errorf("run %+v, messages (-want +got):\n%s", run, diff)
	}
	if len(tool.made()) != 0 || s.kinds()[6] != "ToolCallError" {
		t.Errorf("calls %v, events %v", tool.made(), s.kinds())
	}
	want := []string{"pre_tool_call log skipped run_not_completed", "pre_tool_call guard completed forbidden"}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A result that is denied is nowhere.
func TestDeniedToolResult(t *testing.T) {
	t.Parallel()
	for _, inBackground := range []bool{false, true} {
		f := newFixture(t, background(pluginapi.PointPostToolCall, "log"),
			blocking(pluginapi.PointPostToolCall, "guard", says(deny)),
			blocking(pluginapi.PointPreModelCall, "see", says(allow)), background(pluginapi.PointOutput, "after"))
		tool := weather()
		tool.work = returns(`"` + rejected + `"`)
		f.withTools(t, rainy(), tool)
		req, s := asks("Weather?"), &stream{}
		var run host.Run
		if inBackground {
			run = f.background(t, req)
			if err := f.Follow(t.Context(), run.ID, 0, s.send); err != nil {
				t.Fatal(err)
			}
		} else {
			run, s = f.streamed(t, req)
		}
		if diff := cmp.Diff([]string{"error: The result was withheld: Not here."}, toolMessages(&run)); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		for _, c := range f.hooks.at(pluginapi.PointPreModelCall) {
			if data, _ := json.Marshal(c); strings.Contains(string(data), rejected) {
				t.Errorf("a later hook saw %s", data)
			}
		}
		if len(tool.made()) != 1 || s.contains(t, rejected) || f.store.contains(t, rejected) || strings.Contains(fmt.Sprint(f.store.checkpoints), rejected) {
			t.Errorf("background %v: the result was kept", inBackground)
		}
	}
}

func TestTransformedToolCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		blocking(pluginapi.PointPreToolCall, "move", says(transform("$target.city", "Bergen"))),
		blocking(pluginapi.PointPostToolCall, "polish", says(transform("$target", "drizzle"))))
	tool := weather()
	f.withTools(t, rainy(), tool)
	run := f.run(t, asks("Weather?"))
	if diff := cmp.Diff([]string{`{"city":"Bergen"}`}, tool.made()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"drizzle"}, toolMessages(&run)); diff != "" || string(run.Tools[0].Args) != `{"city":"Bergen"}` {
		t.Errorf("tools %+v, messages (-want +got):\n%s", run.Tools, diff)
	}
}

func TestTransformedToolCallDoesNotFit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPreToolCall, "spoil",
		says(`{"decision":"transform","transform":{"path":"$target.city","value":5}}`)))
	tool := weather()
	f.withTools(t, rainy(), tool)
	run := f.run(t, asks("Weather?"))
	if told := toolMessages(&run); len(told) != 1 || !strings.HasPrefix(told[0], "error: The arguments do not fit") || len(tool.made()) != 0 {
		t.Errorf("told %q, calls %v", told, tool.made())
	}
}

// Hooks of the model's answer may take calls away and add some.
func TestToolCallsOfHooks(t *testing.T) {
	t.Parallel()
	rewrite := func(verdicts ...string) guest {
		return func(context.Context, pluginapi.Context) (string, error) {
			verdict := verdicts[0]
			if len(verdicts) > 1 {
				verdicts = verdicts[1:]
			}
			return verdict, nil
		}
	}
	remove := `{"decision":"transform","transform":{"path":"$target","value":{"content":"Never mind.","tool_calls":[],"finish_reason":"stop"}}}`
	add := `{"decision":"transform","transform":{"path":"$target","value":{"content":"","finish_reason":"stop","tool_calls":[{"id":"h","name":"weather","args":{"city":"Rome"}}]}}}`
	for name, test := range map[string]struct {
		said     lines
		verdicts []string
		content  string
		made     []string
	}{
		"removed": {rainy(), []string{remove}, `"Never mind."`, []string{}},
		"added":   {lines{"a": {text("No idea."), text("Sun.")}}, []string{add, allow}, `"Sun."`, []string{`{"city":"Rome"}`}},
	} {
		f := newFixture(t, blocking(pluginapi.PointPostModelCall, "rewrite", rewrite(test.verdicts...)))
		tool := weather()
		f.withTools(t, test.said, tool)
		run := f.run(t, asks("Weather?"))
		if string(run.Content) != test.content || !cmp.Equal(tool.made(), test.made) {
			t.Errorf("%s: content %s, failure %+v, calls %v", name, run.Content, run.Failure, tool.made())
		}
	}
}

// Hooks may change the messages of a conversation with calls in it.
func TestTransformedConversation(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPreModelCall, "edit", says(transform("$target[1].content", "edited"))))
	f.withTools(t, rainy(), weather())
	run := f.run(t, asks("Weather?"))
	if run.Status != host.RunCompleted {
		t.Fatalf("run %+v, failure %+v", run, run.Failure)
	}
	second := f.model.requests[1].Messages
	if string(second[1].Content) != `"edited"` || len(second[2].ToolCalls) != 1 || second[3].ToolCallID != "c1" {
		t.Errorf("the model is told %+v", second)
	}
}

// A model that goes on asking is told of the bound, then not asked with tools, and
// then the run fails.
func TestToolCallLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agent.ToolCallLimit = 2
	tool := weather()
	again := calls(`a weather {"city":"Oslo"}`, `b weather {"city":"Rome"}`, `c weather {"city":"Bonn"}`)
	f.withTools(t, lines{"a": {again}}, tool)
	run, s := f.streamed(t, asks("Weather?"))
	if run.Status != host.RunError || run.Failure.Type != host.FailureToolCalls {
		t.Fatalf("run %+v", run)
	}
	if len(tool.made()) != 2 || len(f.model.requests[0].Tools) != 1 || f.model.requests[1].Tools != nil {
		t.Errorf("calls %v, events %v", tool.made(), s.kinds())
	}
	if told := toolMessages(&run); len(told) != 3 || told[2] != "error: The run has made the 2 calls it may make." {
		t.Errorf("told %q", told)
	}
}

func TestStructuredOutputWithTools(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.withTools(t, lines{"a": {calls(`c weather {"city":"Oslo"}`), text("rain"), text(`{"sky":"rain"}`)}}, weather())
	req := asks("Weather?")
	req.OutputSchema = json.RawMessage(`{"type":"object","title":"Sky","properties":{"sky":{"type":"string"}},"required":["sky"]}`)
	run := f.run(t, req)
	if string(run.Content) != `{"sky":"rain"}` || run.ContentType != "Sky" || len(run.Tools) != 1 {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
	if f.model.requests[2].Tools != nil {
		t.Error("tools are offered for the repair")
	}
}

// A refused answer shows nothing of what led to it.
func TestRefusedAnswerWithTools(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointOutput, "guard", says(deny)))
	f.withTools(t, rainy(), weather())
	run, s := f.streamed(t, asks("Weather?"))
	if run.Status != host.RunError || run.Tools != nil || len(toolMessages(&run)) != 0 || s.contains(t, "It rains") {
		t.Errorf("run %+v", run)
	}
	if stored := f.stored(t, run.ID); stored.Tools != nil || f.store.contains(t, "It rains.") || f.store.contains(t, "Let me see.") {
		t.Errorf("stored %+v", stored)
	}
}

func TestCancelInATool(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointInput, "log"), background(pluginapi.PointPreToolCall, "see"))
	tool := weather()
	req := asks("Weather?")
	req.RunID = "r"
	tool.work = func(c ctx, _ host.ToolInvocation) (host.ToolResult, error) {
		if err := f.Cancel(context.WithoutCancel(c), "r"); err != nil {
			t.Error(err)
		}
		<-c.Done()
		return host.ToolResult{}, c.Err()
	}
	f.withTools(t, rainy(), tool)
	run, s := f.streamed(t, req)
	if run.Status != host.RunCancelled || string(run.Content) != `"Let me see."` || len(toolMessages(&run)) != 0 {
		t.Errorf("run %+v", run)
	}
	if kinds := s.kinds(); kinds[len(kinds)-2] != "RunCancelled" {
		t.Errorf("events %v", kinds)
	}
	if diff := cmp.Diff([]string{"input log queued", "pre_tool_call see queued"}, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestClientLeavesInATool(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	client, leave := context.WithCancel(t.Context())
	tool := weather()
	tool.work = func(c ctx, _ host.ToolInvocation) (host.ToolResult, error) {
		leave()
		<-c.Done()
		return host.ToolResult{}, c.Err()
	}
	f.withTools(t, rainy(), tool)
	run, err := f.Run(client, asks("Weather?"))
	if err != nil || f.stored(t, run.ID).Status != host.RunCancelled {
		t.Errorf("run %+v, %v", run, err)
	}
}

// A run whose tools cannot be opened says which, and nothing of its request is kept.
func TestToolsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointInput, "check", says(allow)))
	f.withTools(t, rainy()).err = host.Errorf(host.CodeUnavailable, "the MCP server %q does not answer", "w")
	run, s := f.streamed(t, asks(secret))
	want := host.Failure{Type: host.FailureTools, ID: "unavailable", Message: `the MCP server "w" does not answer`}
	if run.Status != host.RunError || !cmp.Equal(*run.Failure, want) {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
	if diff := cmp.Diff([]string{"RunStarted", "RunError"}, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"input check skipped run_not_completed"}, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if f.store.contains(t, secret) {
		t.Error("the input was kept")
	}
}

// Background hooks of tools are called once for each call that was permitted.
func TestBackgroundHooksOfTools(t *testing.T) {
	t.Parallel()
	f := newFixture(t, background(pluginapi.PointPreToolCall, "before"), background(pluginapi.PointPostToolCall, "after"))
	f.withTools(t, lines{"a": {
		calls(`x weather {"city":"Oslo"}`), calls(`y weather {"city":"Rome"}`), text("Done."),
	}}, weather())
	run := f.run(t, asks("Weather?"))
	want := []string{
		"pre_tool_call before queued", "post_tool_call after queued", "pre_tool_call before queued", "post_tool_call after queued",
	}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
