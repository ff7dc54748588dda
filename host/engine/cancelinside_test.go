package engine_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// cancelling has a run of the component, inside another one, be cancelled whenever it
// asks its model; cancel is to end it, and the model answers when it does not. It
// returns where the id of the last one will be.
func (f *fixture) cancelling(of string, cancel func(id string) error, said lines) *string {
	id := new(string)
	f.model.script = func(c context.Context, asked model.Request) (model.Response, error) {
		if asked.Agent != of {
			return said.script(c, asked)
		}
		*id = f.lastOf(of)
		if err := cancel(*id); err != nil {
			return model.Response{}, err
		}
		if c.Err() != nil {
			return model.Response{}, c.Err()
		}
		return said.script(c, asked)
	}
	return id
}

// lastOf is the run of the component whose input hooks have seen last.
func (f *fixture) lastOf(component string) (id string) {
	for _, c := range f.hooks.at(pluginapi.PointInput) {
		if c.Agent.ID == component {
			id = c.Extensions.Snaphook.Run.ID
		}
	}
	return id
}

// ways are those by which a cancel reaches a run: asked for on its own node; heard of
// from another one; or known to the store alone until the end.
func ways(f *fixture, other *engine.Engine) map[string]func(id string) error {
	ctx := context.Background()
	return map[string]func(id string) error{
		"asked": func(id string) error { return f.Cancel(ctx, id) },
		"signal": func(id string) error {
			defer f.Receive(host.Signal{Kind: host.SignalCancel, ID: id})
			return other.Cancel(ctx, id)
		},
		"renewal": func(id string) error {
			if err := other.Cancel(ctx, id); err != nil {
				return err
			}
			return f.Cancelled(ctx, nil)
		},
		"store": func(id string) error { return other.Cancel(ctx, id) },
	}
}

// A member ends alone, whoever hears of its cancel and however its team is run.
func TestCancelOfAMember(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"asked", "signal", "renewal", "store"} {
		for name, carryOut := range map[string]func(*fixture, *testing.T, host.RunRequest) (host.Run, *stream){
			"foreground": (*fixture).streamed, "background": (*fixture).followed,
		} {
			f, _ := newTeam(t, host.TeamCoordinate, nil,
				blocking(pluginapi.PointInput, "in", says(allow)), background(pluginapi.PointInput, "log").only("researcher"),
				background(pluginapi.PointOutput, "notify").only("researcher"))
			other := f.node(t, func(c *engine.Config) { c.Node = "other" })
			member := f.cancelling("researcher", ways(f, other)[way], coordinated())
			run, s := carryOut(f, t, asksTeam("What is it?"))
			if run.Status != host.RunCompleted || string(run.Content) != `"It is 42."` {
				t.Errorf("%s, %s: run %+v", way, name, run)
			}
			if diff := cmp.Diff([]string{"error: researcher was cancelled"}, toolMessages(&run)); diff != "" {
				t.Errorf("%s, %s: the leader was told (-want +got):\n%s", way, name, diff)
			}
			row := f.stored(t, *member)
			answered := row.Metrics.TotalTokens > 0
			if row.Status != host.RunCancelled || row.ParentID != run.ID || answered != (way == "store") {
				t.Errorf("%s, %s: member %+v", way, name, row)
			}
			want := []string{"input in completed", "input log queued", "output notify skipped cancelled"}
			if diff := cmp.Diff(want, f.calls(t, *member)); diff != "" {
				t.Errorf("%s, %s: calls (-want +got):\n%s", way, name, diff)
			}
			told := s.told()
			at := slices.Index(told, "researcher RunCancelled")
			if at < 0 || told[at+1] != "researcher RunCompleted" || told[len(told)-1] != "team RunCompleted" ||
				slices.Contains(told, "team RunCancelled") {
				t.Errorf("%s, %s: events %v", way, name, told)
			}
		}
	}
}

// A team that is a member is cancelled with its own members.
func TestCancelOfATeamInside(t *testing.T) {
	t.Parallel()
	for _, run := range []func(*fixture, host.RunRequest) host.Run{
		func(f *fixture, req host.RunRequest) host.Run { return f.run(t, req) },
		func(f *fixture, req host.RunRequest) host.Run { return f.background(t, req) },
	} {
		f, _ := newTeam(t, host.TeamCoordinate, nil, blocking(pluginapi.PointInput, "in", says(allow)))
		said, req := boss(t, f)
		f.cancelling("researcher", func(string) error { return f.Cancel(t.Context(), f.lastOf("team")) }, said)
		ended := run(f, req)
		got := f.ending(t, ended.ID)
		if got.Status != host.RunCompleted || got.Content != `"Said."` || got.Told[0] != "error: team was cancelled" {
			t.Errorf("ending %+v", got)
		}
		for _, inside := range f.descendants(t, ended.ID) {
			if inside.Status != host.RunCancelled {
				t.Errorf("inside is %+v", inside)
			}
		}
	}
}

// boss gives the fixture of a team another one that it is the member of.
func boss(t *testing.T, f *fixture) (lines, host.RunRequest) {
	t.Helper()
	f.configure(t, func(c *engine.Config) {
		c.Teams = append(slices.Clone(c.Teams), &host.Team{
			Agent: host.Agent{ID: "boss", Model: "default"}, Members: []host.BindingScope{{Kind: host.KindTeam, ID: "team"}},
		})
	})
	said, req := coordinated(), asksTeam("What is it?")
	said["boss"] = []model.Response{calls(delegate("b", "team", "Ask.")), text("Said.")}
	req.Component.ID = "boss"
	return said, req
}

// descendants are the two runs inside each other in a run.
func (f *fixture) descendants(t *testing.T, id string) []host.Run {
	t.Helper()
	run, err := f.WithChildren(t.Context(), f.stored(t, id))
	if err != nil || len(run.Children) != 1 || len(run.Children[0].Children) != 1 {
		t.Fatalf("run %+v, %v", run, err)
	}
	return []host.Run{run.Children[0], run.Children[0].Children[0]}
}

// A member that is cancelled while nobody works for its tree is not begun again, and
// not gone on with.
func TestCancelOfALeftMember(t *testing.T) {
	t.Parallel()
	for turn := range 2 { // without a checkpoint of its own, and with one
		f, id := stalled(t, turn+1)
		seen, member := len(f.hooks.at(pluginapi.PointInput)), f.lastOf("researcher")
		if err := f.node(t, func(c *engine.Config) { c.Node = "other" }).Cancel(t.Context(), member); err != nil {
			t.Fatal(err)
		}
		f.model.script = func(c context.Context, asked model.Request) (model.Response, error) {
			if asked.Agent == "researcher" {
				t.Errorf("turn %d: the member goes on", turn)
			}
			return coordinated().script(c, asked)
		}
		if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
			t.Fatal(err)
		}
		got, row := f.ending(t, id), f.stored(t, member)
		if got.Status != host.RunCompleted || got.Told[0] != "error: researcher was cancelled" || row.Status != host.RunCancelled {
			t.Errorf("turn %d: ending %+v, member %+v", turn, got, row)
		}
		if n := len(f.hooks.at(pluginapi.PointInput)); n != seen {
			t.Errorf("turn %d: %d hooks of input, %d before", turn, n, seen)
		}
		f.checkStream(t, id, 1)
	}
}

// A team that is cancelled so takes along the member its worker left.
func TestCancelOfALeftTeam(t *testing.T) {
	t.Parallel()
	f, _ := newTeam(t, host.TeamCoordinate, nil, blocking(pluginapi.PointInput, "in", says(allow)))
	said, req := boss(t, f)
	said["researcher"] = []model.Response{calls(`n nothing {}`), text("42")}
	worker, stop := context.WithCancel(t.Context())
	f.model.script = func(c context.Context, asked model.Request) (model.Response, error) {
		if asked.Agent == "researcher" && asked.Turn == 2 {
			stop()
		}
		return said.script(c, asked)
	}
	id := f.accept(t, req).ID
	f.stopIn(t, worker, id)
	f.cancel(t, f.lastOf("team"))
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	for _, inside := range f.descendants(t, id) {
		if inside.Status != host.RunCancelled {
			t.Errorf("inside is %+v", inside)
		}
	}
	if run := f.stored(t, id); run.Status != host.RunCompleted {
		t.Errorf("run %+v", run)
	}
}

// A step whose run is cancelled has failed.
func TestCancelOfAStep(t *testing.T) {
	t.Parallel()
	const skipped = `analyzer!analyzer was cancelled summarizer="summarizer says go"`
	for onError, want := range map[host.OnStepError]struct {
		steps  string
		status host.RunStatus
		made   int
	}{
		host.StepFail:  {"", host.RunError, 1},
		host.StepSkip:  {skipped, host.RunCompleted, 2},
		host.StepRetry: {"", host.RunError, 3},
	} {
		first := runs("analyzer")
		first.OnError, first.Retries = onError, 2
		f := newWorkflow(t, []host.Step{first, runs("summarizer")}, nil, blocking(pluginapi.PointInput, "in", says(allow)))
		f.cancelling("analyzer", func(id string) error { return f.Cancel(t.Context(), id) }, lines{})
		run, s := f.streamed(t, asksFlow("go"))
		if run.Status != want.status || outcome(run.Steps) != want.steps || len(run.Children) != want.made {
			t.Errorf("%s: run %s, steps %s, %d runs", onError, run.Status, outcome(run.Steps), len(run.Children))
		}
		if f := run.Failure; f != nil && f.Message != "The step analyzer failed: analyzer was cancelled" {
			t.Errorf("%s: failure %+v", onError, f)
		}
		if run.Children[0].Status != host.RunCancelled || !slices.Contains(s.told(), "analyzer RunCancelled") {
			t.Errorf("%s: child %+v, events %v", onError, run.Children[0], s.told())
		}
	}
}

// A run that a hook started ends alone as well.
func TestCancelOfAJudge(t *testing.T) {
	t.Parallel()
	judged := make(chan host.Run, 1)
	f := withJudge(t, blocking(pluginapi.PointOutput, "ask", judging(judged)).only("a"))
	f.hooks.bound = append(f.hooks.bound, blocking(pluginapi.PointInput, "in", says(allow)).only("judge"))
	id := f.cancelling("judge", func(id string) error { return f.Cancel(t.Context(), id) }, lines{"a": {text("answer")}})
	run := f.run(t, asks("question"))
	if judge := <-judged; run.Status != host.RunCompleted || judge.Status != host.RunCancelled || judge.ID != *id {
		t.Errorf("run %+v, judge %+v", run, judge)
	}
}
