package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// interrupted carries out a background run whose worker is lost right after the
// writes of those numbers. The lost ones go on when the run has ended, and must
// write nothing. It returns how many were lost.
func (f *fixture) interrupted(t *testing.T, id string, at ...int) int {
	t.Helper()
	var writes atomic.Int64
	reached, release := make(chan struct{}), make(chan struct{})
	f.store.wrote = func() {
		if slices.Contains(at, int(writes.Add(1))) {
			reached <- struct{}{}
			<-release
		}
	}
	var workers []chan error
	for lost := 0; ; lost++ {
		node, done := fmt.Sprint("node-", lost), make(chan error, 1)
		e, work := f.node(t, func(c *engine.Config) { c.Node = node }), f.claim(t, node, id)
		go func() { done <- e.Work(t.Context(), work) }()
		workers = append(workers, done)
		select {
		case <-reached:
			f.lose(t, "survivor")
		case err := <-done:
			done <- err
		}
		if f.stored(t, id).Status.Final() {
			before := len(f.store.finishes)
			close(release)
			for _, w := range workers {
				if err := <-w; err != nil {
					t.Errorf("writes %v: a worker: %v", at, err)
				}
			}
			if after := len(f.store.finishes); after != before {
				t.Errorf("writes %v: a lost worker stored %d ends", at, after-before)
			}
			return lost
		}
	}
}

// ending is what must be the same however often workers were lost.
type ending struct {
	Status   host.RunStatus
	Content  string
	Steps    string
	Told     []string
	Children []string
	State    string
	Calls    []string
}

func (f *fixture) ending(t *testing.T, id string) ending {
	t.Helper()
	run, err := f.WithChildren(t.Context(), f.stored(t, id))
	if err != nil {
		t.Fatal(err)
	}
	session, err := f.store.Session(t.Context(), run.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	return ending{
		run.Status, string(run.Content), outcome(run.Steps), toolMessages(&run), family(&run), string(session.State), f.treeCalls(t, &run),
	}
}

// family lists the runs inside a run, as they were asked for.
func family(run *host.Run) []string {
	list := []string{}
	for _, child := range run.Children {
		list = append(list, fmt.Sprintf("%s %s %s %q", child.Component.ID, child.Status, child.Content, toolMessages(&child)))
		list = append(list, family(&child)...)
	}
	return list
}

// treeCalls lists the hook calls of a tree; each point of it has a sequence of its
// own.
func (f *fixture) treeCalls(t *testing.T, run *host.Run) []string {
	t.Helper()
	list, of := []string{}, map[int64]string{}
	var add func(*host.Run)
	add = func(run *host.Run) {
		calls, err := f.store.HookCalls(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range calls {
			point := fmt.Sprint(run.ID, call.Point)
			if other, taken := of[call.Sequence]; taken && other != point {
				t.Errorf("sequence %d is of %s and of %s", call.Sequence, other, point)
			}
			of[call.Sequence] = point
			if call.Point != pluginapi.PointPreToolCall { // asked again where a call is made again
				list = append(list, fmt.Sprintf("%s %s %s %s", call.Component.ID, call.Point, call.Plugin, call.Status))
			}
		}
		for i := range run.Children {
			add(&run.Children[i])
		}
	}
	add(run)
	slices.Sort(list)
	return list
}

// checkStream has the events of a background run follow one another.
func (f *fixture) checkStream(t *testing.T, id string, lost int) {
	t.Helper()
	var s stream
	if err := f.Follow(t.Context(), id, 0, s.send); err != nil {
		t.Fatal(err)
	}
	continued := 0
	for i, e := range s.events {
		if e.Index != i {
			t.Fatalf("event %d has index %d", i, e.Index)
		}
		if e.Run.ID == id && e.Kind == host.EventRunContinued {
			continued++
		}
	}
	told := s.told()
	if last := s.events[len(s.events)-1]; last.Run.ID != id || last.Kind != host.EventRunCompleted || continued > lost {
		t.Errorf("%d workers lost, events %v", lost, told)
	}
}

// scenario is a component with all that can be lost.
type scenario struct {
	component host.Component
	fixture   func(t *testing.T) (*fixture, []*function)
}

// counted are hooks at every point, and one that leaves something in the state.
func counted() []boundHook {
	remember := blocking(pluginapi.PointOutput, "remember", func(c context.Context, at pluginapi.Context) (string, error) {
		return allow, servicesOf(c).SessionState.Merge(c, json.RawMessage(fmt.Sprintf(`{%q:true}`, at.Agent.ID)))
	})
	remember.permissions.SessionState = &pluginapi.SessionStatePermission{Access: pluginapi.AccessWrite, Reason: "r"}
	bound := append(allPoints(), remember)
	for _, p := range []pluginapi.Point{pluginapi.PointInput, pluginapi.PointPreToolCall, pluginapi.PointPostToolCall, pluginapi.PointOutput} {
		bound = append(bound, background(p, "later-"+strings.ReplaceAll(string(p), "_", "-")))
	}
	return bound
}

// again is a tool that may be called again.
func again(f *function) *function {
	f.Idempotent = true
	return f
}

func scenarios() map[string]scenario {
	ask := func(call string) model.Response { return calls("x "+call+` {"n":1}`, "y "+call+` {"n":2}`) }
	tools := func() (*function, *function) {
		return again(newFunction("look", returns(`"seen"`))), newFunction("pay", returns(`"paid"`))
	}
	agent := host.Component{Kind: host.KindAgent, ID: "a"}
	team := host.Component{Kind: host.KindTeam, ID: "team"}
	flow := host.Component{Kind: host.KindWorkflow, ID: "flow"}
	teamOf := func(mode host.TeamMode, leader ...model.Response) func(t *testing.T) (*fixture, []*function) {
		return func(t *testing.T) (*fixture, []*function) {
			look, pay := tools()
			f, _ := newTeam(t, mode, lines{
				"team": leader, "researcher": {ask("look"), calls(`z pay {"n":3}`), text("found")},
				"writer": {calls(`w look {"n":4}`), text("written")},
			}, counted()...)
			for _, a := range f.config.Agents[1:] {
				a.Tools = []host.ToolRef{{Plugin: "box"}}
			}
			f.configure(t, func(c *engine.Config) { c.Tools = &toolbox{functions: []*function{look, pay}} })
			return f, []*function{look, pay}
		}
	}
	return map[string]scenario{
		"agent": {agent, func(t *testing.T) (*fixture, []*function) {
			look, pay := tools()
			f := newFixture(t, counted()...)
			f.withTools(t, lines{"a": {ask("look"), calls(`x look {}`, `y pay {"n":1}`), ask("pay"), text("Done.")}}, look, pay)
			return f, []*function{look, pay}
		}},
		"coordinate": {team, teamOf(host.TeamCoordinate,
			calls(delegate("d", "researcher", "Find."), delegate("e", "writer", "Write.")), calls(delegate("f", "writer", "Again.")), text("Done."))},
		"broadcast": {team, teamOf(host.TeamBroadcast, calls(`b delegate_task_to_members {"task":"Find."}`), text("Done."))},
		"route":     {team, teamOf(host.TeamRoute, calls(delegate("d", "researcher", "Find.")))},
		"route twice": {team, teamOf(host.TeamRoute,
			calls(delegate("d", "researcher", "Find."), delegate("e", "writer", "Write.")))},
		"loops": {flow, func(t *testing.T) (*fixture, []*function) {
			look, pay := tools()
			once, until := again(newFunction("once", returns(`"1"`))), again(newFunction("until", nil))
			until.work = func(_ context.Context, call host.ToolInvocation) (host.ToolResult, error) {
				return host.ToolResult{Value: json.RawMessage(strconv.FormatBool(strings.Contains(call.ID, "#3")))}, nil
			}
			payed := invokes("pay")
			payed.OnError = host.StepSkip
			f := newWorkflow(t, []host.Step{
				{Name: "outer", Kind: host.StepLoop, MaxIterations: 2, Steps: []host.Step{
					{Name: "if", Kind: host.StepCondition, Decide: host.Decision{CEL: `!("once" in steps)`}, Steps: []host.Step{invokes("once")}, Else: []host.Step{invokes("look")}},
					{Name: "inner", Kind: host.StepLoop, MaxIterations: 9,
						Decide: host.Decision{Function: &host.StepCall{Plugin: "box", Function: "until"}},
						Steps:  []host.Step{payed, runs("analyzer")}},
				}},
				{Name: "told", Kind: host.StepCondition, Decide: host.Decision{CEL: `"once" in steps`}, Steps: []host.Step{runs("summarizer")}},
			}, []*function{look, pay, once, until})
			f.model.script = lines{"analyzer": {text("analysis")}, "summarizer": {text("summary")}}.script
			f.configure(t, func(*engine.Config) {})
			return f, []*function{look, pay, once, until}
		}},
		"workflow": {flow, func(t *testing.T) (*fixture, []*function) {
			look, pay := tools()
			decide, pick := again(newFunction("decide", returns(`true`))), again(newFunction("pick", returns(`"chosen"`)))
			chosen, other := runs("analyzer"), runs("analyzer")
			chosen.Name, other.Name = "chosen", "other"
			branch, inner := invokes("look"), runs("summarizer")
			branch.Name, inner.Name = "branch", "inner"
			payed := invokes("pay")
			payed.OnError = host.StepSkip
			f := newWorkflow(t, []host.Step{
				runs("analyzer"), payed,
				{Name: "loop", Kind: host.StepLoop, MaxIterations: 2, Decide: host.Decision{CEL: `size(input) > 99`}, Steps: []host.Step{
					{Name: "if", Kind: host.StepCondition, Decide: host.Decision{Function: &host.StepCall{Plugin: "box", Function: "decide"}},
						Steps: []host.Step{invokes("look")}},
				}},
				{Name: "both", Kind: host.StepParallel, Steps: []host.Step{branch, inner}},
				{Name: "which", Kind: host.StepRouter, Decide: host.Decision{Function: &host.StepCall{Plugin: "box", Function: "pick"}},
					Steps: []host.Step{chosen, other}},
				runs("summarizer"),
			}, []*function{look, pay, decide, pick}, counted()...)
			f.model.script = lines{"analyzer": {calls(`x look {"n":1}`, `y pay {"n":2}`), text("analysis")}}.script
			f.config.Agents[1].Tools = []host.ToolRef{{Plugin: "box"}}
			f.configure(t, func(*engine.Config) {})
			return f, []*function{look, pay, decide, pick}
		}},
	}
}

// Wherever workers are lost the run ends the same, and what must not be done twice
// is not.
func TestWorkersAreLostAnywhere(t *testing.T) {
	t.Parallel()
	for name, s := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, tools := s.fixture(t)
			want, _ := f.survive(t, s.component, tools)
			for n, lost := 1, 1; lost > 0; n++ {
				var got ending
				for _, at := range [][]int{{n}, {n, n + 2}}[:1+n%2] {
					got, lost = f.survive(t, s.component, tools, at...)
					if diff := cmp.Diff(want.like(got), got); diff != "" {
						t.Fatalf("writes %v (-uninterrupted +got):\n%s", at, diff)
					}
				}
			}
		})
	}
}

// survive carries out a run whose workers are lost after those writes, and checks
// what must hold in any case.
func (f *fixture) survive(t *testing.T, c host.Component, tools []*function, at ...int) (ending, int) {
	t.Helper()
	for _, tool := range tools {
		tool.calls = nil
	}
	req := asks("Do it.")
	req.RunID, req.SessionID, req.Component = host.NewID(), host.NewID(), c
	f.accept(t, req)
	lost := f.interrupted(t, req.RunID, at...)
	f.checkStream(t, req.RunID, lost)
	checkCalls(t, at, tools, lost)
	return f.ending(t, req.RunID), lost
}

// Whatever the store does not take once, the run ends the same.
func TestStoreFailsAnywhere(t *testing.T) {
	t.Parallel()
	for name, s := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, tools := s.fixture(t)
			want, _ := f.survive(t, s.component, tools)
			f.store.wrote = nil
			for n, refused := int64(1), true; refused; n++ {
				var writes atomic.Int64
				f.store.saving = func() error {
					if writes.Add(1) == n {
						return errors.New("disk broken")
					}
					return nil
				}
				f.store.finishing = func(host.Finish) error { return f.store.saving() }
				id, workers := f.insist(t, s.component)
				if diff := cmp.Diff(want.like(f.ending(t, id)), f.ending(t, id)); diff != "" {
					t.Fatalf("write %d (-uninterrupted +got):\n%s", n, diff)
				}
				f.checkStream(t, id, workers)
				refused = writes.Load() >= n
			}
		})
	}
}

// insist carries out a run in the background, by one worker after the other.
func (f *fixture) insist(t *testing.T, c host.Component) (id string, workers int) {
	t.Helper()
	req := asks("Do it.")
	req.SessionID, req.Component = host.NewID(), c
	id = f.accept(t, req).ID
	for workers = 1; ; workers++ {
		work := f.claim(t, "node", id)
		if f.Work(t.Context(), work) == nil {
			return id, workers
		}
		if err := f.store.ReleaseRun(t.Context(), id, work.Run.Attempt); err != nil {
			t.Fatal(err)
		}
	}
}

// like is the ending where calls nobody knows the result of have what the other one
// says of them, and no hook calls then: none is made for such a call.
func (e ending) like(got ending) ending {
	const unknown = "the host was interrupted while"
	if !strings.Contains(fmt.Sprint(got), unknown) {
		return e
	}
	e.Calls = got.Calls
	if strings.Contains(got.Steps, unknown) {
		e.Steps = strings.Replace(e.Steps, `pay="paid"`, "pay!nobody knows what came of the function: "+unknown+" it worked", 1)
	}
	e.Told, e.Children = likeLines(e.Told, got.Told), likeLines(e.Children, got.Children)
	return e
}

func likeLines(want, got []string) []string {
	const unknown = "error: The result of this call is unknown: the host was interrupted while the tool worked. It is not called again."
	like := slices.Clone(want)
	for i := range min(len(want), len(got)) {
		if strings.ReplaceAll(got[i], unknown, "paid") == want[i] {
			like[i] = got[i]
		}
	}
	return like
}

// checkCalls has tools be called as often as they may be: by each worker, or once.
func checkCalls(t *testing.T, at []int, tools []*function, lost int) {
	t.Helper()
	for _, tool := range tools {
		seen := map[string]int{}
		for _, call := range tool.calls {
			seen[call.ID]++
		}
		most := 1
		if tool.Idempotent {
			most += lost
		}
		for id, n := range seen {
			if n > most {
				t.Errorf("writes %v: %s was called %d times as %s", at, tool.Name, n, id)
			}
		}
	}
}

// stalled has a member of a team in the background wait in that one of its model calls
// until its worker is stopped.
func stalled(t *testing.T, turn int) (f *fixture, id string) {
	t.Helper()
	f, _ = newTeam(t, host.TeamCoordinate, nil, counted()...)
	worker, stop := context.WithCancel(t.Context())
	f.model.script = func(c context.Context, req model.Request) (model.Response, error) {
		if req.Agent == "researcher" && req.Turn == turn {
			stop()
			<-c.Done()
			return model.Response{}, c.Err()
		}
		said := coordinated()
		said["researcher"] = []model.Response{calls(`n nothing {}`), text("42")}
		return said.script(c, req)
	}
	id = f.accept(t, asksTeam("What is it?")).ID
	f.stopIn(t, worker, id)
	return f, id
}

// A worker that is stopped leaves members to the next one, as they are.
func TestStoppedWorkerLeavesMembers(t *testing.T) {
	t.Parallel()
	f, id := stalled(t, 2)
	if children, err := f.store.ChildRuns(t.Context(), id); err != nil || len(children) != 0 {
		t.Fatalf("children %+v, %v", children, err)
	}
	said := coordinated()
	said["researcher"] = []model.Response{calls(`n nothing {}`), text("42")}
	f.model.script = said.script
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	want := []string{`researcher COMPLETED "42" ["error: There is no tool \"nothing\"."]`}
	got := f.ending(t, id)
	if diff := cmp.Diff(want, got.Children); diff != "" || got.Content != `"It is 42."` {
		t.Errorf("ending %+v, children (-want +got):\n%s", got, diff)
	}
	f.checkStream(t, id, 1)
}

// A run that is cancelled while nobody works for it takes along what is inside it,
// with the calls that this leaves to do.
func TestCancelOfALeftTree(t *testing.T) {
	t.Parallel()
	f, id := stalled(t, 2)
	if err := f.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	children, err := f.store.ChildRuns(t.Context(), id)
	if err != nil || len(children) != 1 || children[0].Status != host.RunCancelled || f.stored(t, id).Status != host.RunCancelled {
		t.Fatalf("children %+v, %v", children, err)
	}
	if calls := f.calls(t, children[0].ID); !slices.Contains(calls, "input later-input queued") {
		t.Errorf("calls %v", calls)
	}
	f.checkStream(t, id, 1)
}
