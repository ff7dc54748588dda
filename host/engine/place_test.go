package engine_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
)

// backwards has agents that are asked at once begin at the same moment and end in the
// opposite order: each answers when the end of the next one is stored.
func (f *fixture) backwards(t *testing.T, said lines, agents ...string) {
	t.Helper()
	ended := map[string]func(){}
	after := map[string]<-chan struct{}{}
	for i, id := range agents[1:] {
		stored := make(chan struct{})
		ended[id], after[agents[i]] = sync.OnceFunc(func() { close(stored) }), stored
	}
	f.store.wrote = func() {
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		for i := range f.store.finishes {
			if end := ended[f.store.finishes[i].Run.Component.ID]; end != nil {
				end()
			}
		}
	}
	f.model.script = func(c context.Context, asked model.Request) (model.Response, error) {
		if before := after[asked.Agent]; before != nil {
			<-before
		}
		return said.script(c, asked)
	}
	now := time.Now()
	f.configure(t, func(c *engine.Config) { c.Now = func() time.Time { return now } })
}

// Runs inside one are listed as they were asked for, wherever they are listed.
func TestRunsAskedAtOnceAreInOrder(t *testing.T) {
	t.Parallel()
	both := calls(delegate("d", "researcher", "Find."), delegate("e", "writer", "Write."))
	members := []string{"researcher", "writer"}
	teamOf := func(mode host.TeamMode, asks model.Response) func(t *testing.T) *fixture {
		return func(t *testing.T) *fixture {
			f, _ := newTeam(t, mode, nil)
			f.backwards(t, lines{"team": {asks, text("Done.")}}, members...)
			return f
		}
	}
	for name, test := range map[string]struct {
		fixture func(t *testing.T) *fixture
		req     host.RunRequest
		want    []string
	}{
		"calls":     {teamOf(host.TeamCoordinate, both), asksTeam("Do it."), members},
		"broadcast": {teamOf(host.TeamBroadcast, calls(`b delegate_task_to_members {"task":"Find."}`)), asksTeam("Do it."), members},
		"steps": {func(t *testing.T) *fixture {
			f := newWorkflow(t, []host.Step{
				{Name: "both", Kind: host.StepParallel, Steps: []host.Step{runs("analyzer"), runs("summarizer")}},
			}, nil)
			f.backwards(t, nil, "analyzer", "summarizer")
			return f
		}, asksFlow("Do it."), []string{"analyzer", "summarizer"}},
	} {
		for how, carryOut := range map[string]func(*fixture, *testing.T, host.RunRequest) (host.Run, *stream){
			"foreground": (*fixture).streamed, "background": (*fixture).followed,
		} {
			f := test.fixture(t)
			run, s := carryOut(f, t, test.req)
			stored, err := f.store.ChildRuns(t.Context(), run.ID)
			if err != nil {
				t.Fatal(err)
			}
			for where, list := range map[string][]host.Run{"store": stored, "stream": s.events[len(s.events)-1].Run.Children} {
				if diff := cmp.Diff(test.want, components(list)); diff != "" {
					t.Errorf("%s, %s: %s (-want +got):\n%s", name, how, where, diff)
				}
			}
		}
	}
}

func components(runs []host.Run) []string {
	ids := make([]string, len(runs))
	for i := range runs {
		ids[i] = runs[i].Component.ID
	}
	return ids
}

// What is done one after the other is listed in the order of its beginning: try by
// try, iteration by iteration.
func TestRunsInTurnAreInOrder(t *testing.T) {
	t.Parallel()
	again := host.Step{
		Name: "again", Kind: host.StepParallel, OnError: host.StepRetry, Retries: 2,
		Steps: []host.Step{{Name: "if", Kind: host.StepCondition, Decide: host.Decision{CEL: "true"}, Steps: []host.Step{
			named("one", "summarizer"), named("two", "summarizer"), named("three", "analyzer"),
		}}},
	}
	f := newWorkflow(t, []host.Step{
		{Name: "loop", Kind: host.StepLoop, MaxIterations: 11, Steps: []host.Step{named("a", "summarizer"), named("b", "summarizer")}},
		again,
	}, nil)
	failed := 0
	f.model.script = func(_ context.Context, asked model.Request) (model.Response, error) {
		if asked.Agent == "analyzer" && failed < 2 {
			failed++
			return model.Response{}, &model.Error{Type: "broken", Message: "broken"}
		}
		return text("fine"), nil
	}
	var clock sync.Mutex
	now := time.Now()
	f.configure(t, func(c *engine.Config) {
		c.Now = func() time.Time {
			clock.Lock()
			defer clock.Unlock()
			now = now.Add(time.Millisecond)
			return now
		}
	})
	run := f.run(t, asksFlow("Do it."))
	if run.Status != host.RunCompleted || len(run.Children) != 2*11+3*3 {
		t.Fatalf("run %+v with %d runs inside", run, len(run.Children))
	}
	if !slices.IsSortedFunc(run.Children, func(a, b host.Run) int { return a.CreatedAt.Compare(b.CreatedAt) }) {
		t.Errorf("places %v", places(run.Children))
	}
}

func named(name, agent string) host.Step {
	s := runs(agent)
	s.Name = name
	return s
}

func places(runs []host.Run) [][]int {
	all := make([][]int, len(runs))
	for i := range runs {
		all[i] = runs[i].Place
	}
	return all
}
