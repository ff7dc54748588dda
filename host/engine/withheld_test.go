package engine_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Nothing of what members answer leaves before hooks of their team permitted it, and
// nothing at all where they did not, or left something else.
func TestHooksJudgeWhatMembersAnswer(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]string{
		"denied": deny, "changed": transform("$target", "polished"), "permitted": allow,
	} {
		said := coordinated()
		said["researcher"] = []model.Response{text(rejected)}
		var s *stream
		judge := blocking(pluginapi.PointPostToolCall, "judge", func(context.Context, pluginapi.Context) (string, error) {
			if s.contains(t, rejected) {
				t.Errorf("%s: left before the verdict: %v", name, s.told())
			}
			return verdict, nil
		})
		f, _ := newTeam(t, host.TeamCoordinate, said, judge.only("team"))
		s = &stream{}
		req := asksTeam("What is it?")
		req.Events, req.RunID, req.Deltas = s.send, host.NewID(), true
		run := f.run(t, req)
		if run.Status != host.RunCompleted || s.content() != "It is 42." {
			t.Errorf("%s: run %+v, failure %+v, events %v", name, run, run.Failure, s.told())
		}
		f.checkShown(t, &run, s, name == "permitted")

		s, req.RunID, req.Events = &stream{}, host.NewID(), nil
		run, s = f.followed(t, req)
		f.checkShown(t, &run, s, name == "permitted")
	}
}

// followed carries out a run in the background, and follows it afterwards.
func (f *fixture) followed(t *testing.T, req host.RunRequest) (host.Run, *stream) {
	t.Helper()
	run, s := f.background(t, req), &stream{}
	if err := f.Follow(t.Context(), run.ID, 0, s.send); err != nil {
		t.Fatal(err)
	}
	return run, s
}

// checkShown has what a member answered be shown with the team's run, or nowhere.
func (f *fixture) checkShown(t *testing.T, run *host.Run, s *stream, shown bool) {
	t.Helper()
	whole, err := f.WithChildren(t.Context(), f.stored(t, run.ID))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []*host.Run{run, &whole} {
		data, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), rejected) != shown || of.Sealed == shown {
			t.Errorf("run %s", data)
		}
	}
	if len(whole.Children) != map[bool]int{true: 1}[shown] {
		t.Errorf("children %+v", whole.Children)
	}
	last := len(s.events) - 1
	if end := s.events[last].Run; (len(end.Children) == 1) != shown {
		t.Errorf("the stream ends with %+v", end)
	}
	if s.events = s.events[:last]; s.contains(t, rejected) && !shown {
		t.Errorf("events %v", s.told())
	}
	for _, e := range s.events {
		if e.Run.Children != nil || e.Run.Component.ID == "researcher" && e.Kind == host.EventRunContent {
			t.Errorf("event %+v", e)
		}
	}
}

// What hooks have not come to judge is not shown either.
func TestCancelWhileHooksJudgeMembers(t *testing.T) {
	t.Parallel()
	said := coordinated()
	said["researcher"] = []model.Response{text(rejected)}
	id := host.NewID()
	var f *fixture
	judge := blocking(pluginapi.PointPostToolCall, "judge", func(c context.Context, _ pluginapi.Context) (string, error) {
		if err := f.Cancel(context.WithoutCancel(c), id); err != nil {
			t.Error(err)
		}
		<-c.Done()
		return "", c.Err()
	})
	f, _ = newTeam(t, host.TeamCoordinate, said, judge.only("team"))
	req := asksTeam("What is it?")
	s := &stream{}
	req.Events, req.RunID = s.send, id
	if run := f.run(t, req); run.Status != host.RunCancelled || !run.Sealed || run.Children != nil || s.contains(t, rejected) {
		t.Errorf("run %+v, events %v", run, s.told())
	}
}

// A worker that goes on with a team knows what hooks have withheld before.
func TestWithheldAnswerStaysWithheld(t *testing.T) {
	t.Parallel()
	said := coordinated()
	said["researcher"] = []model.Response{text(rejected)}
	f, _ := newTeam(t, host.TeamCoordinate, nil, blocking(pluginapi.PointPostToolCall, "judge", says(deny)).only("team"))
	worker, stop := context.WithCancel(t.Context())
	f.model.script = func(c context.Context, req model.Request) (model.Response, error) {
		if req.Agent == "team" && req.Turn == 2 {
			stop()
			<-c.Done()
			return model.Response{}, c.Err()
		}
		return said.script(c, req)
	}
	id := f.accept(t, asksTeam("What is it?")).ID
	f.stopIn(t, worker, id)
	f.model.script = said.script
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	if run := f.stored(t, id); run.Status != host.RunCompleted || !run.Sealed {
		t.Errorf("run %+v", run)
	}
}

// The arguments the model gave are nowhere once hooks have given others.
func TestChangedArgumentsAreEverywhere(t *testing.T) {
	t.Parallel()
	bound := []boundHook{blocking(pluginapi.PointPreToolCall, "move", says(transform("$target.city", "Bergen")))}
	for _, asked := range [][]string{
		{`c weather {"city":"Oslo"}`},
		{`c weather {"city":"Oslo"}`, `d weather {"city":"Oslo"}`},
	} {
		f := newFixture(t, bound...)
		f.withTools(t, lines{"a": {calls(asked...), text("Done.")}}, weather())
		req := asks("Weather?")
		s := &stream{}
		req.Events = s.send
		run := f.run(t, req)
		for _, shown := range []any{run, f.stored(t, run.ID), f.model.requests[1], s.events[len(s.events)-1]} {
			data, err := json.Marshal(shown)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(data), "Oslo") || strings.Count(string(data), "Bergen") < len(asked) {
				t.Errorf("shown is %s", data)
			}
		}
		var args []string
		for _, m := range run.Messages {
			for _, c := range m.ToolCalls {
				args = append(args, c.ID+string(c.Args))
			}
		}
		if diff := cmp.Diff([]string{`c{"city":"Bergen"}`, `d{"city":"Bergen"}`}[:len(asked)], args); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
}

// Nor where the run ended in the call.
func TestChangedArgumentsOfAnUnfinishedCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPreToolCall, "move", says(transform("$target.city", "Bergen"))))
	tool, id := weather(), host.NewID()
	tool.work = func(c context.Context, _ host.ToolInvocation) (host.ToolResult, error) {
		if err := f.Cancel(context.WithoutCancel(c), id); err != nil {
			t.Error(err)
		}
		<-c.Done()
		return host.ToolResult{}, c.Err()
	}
	f.withTools(t, rainy(), tool)
	req := asks("Weather?")
	req.RunID = id
	run := f.run(t, req)
	got := make([]string, len(run.Tools))
	for i := range run.Tools {
		got[i] = string(run.Tools[i].Args)
	}
	if run.Status != host.RunCancelled || !slices.Equal(got, []string{`{"city":"Bergen"}`}) {
		t.Errorf("run %+v, arguments %v", run, got)
	}
}
