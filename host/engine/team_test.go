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

// newTeam has the agents writer and researcher, and the team of both.
func newTeam(t *testing.T, mode host.TeamMode, said lines, bound ...boundHook) (*fixture, *host.Team) {
	t.Helper()
	f := newFixture(t, bound...)
	f.model.script = said.script
	team := &host.Team{
		Agent: host.Agent{ID: "team", Name: "Team", Model: "default", HistoryRuns: 3}, Mode: mode,
		Members: []host.BindingScope{{Kind: host.KindAgent, ID: "researcher"}, {Kind: host.KindAgent, ID: "writer"}},
	}
	f.configure(t, func(c *engine.Config) {
		c.Agents = append(slices.Clone(c.Agents),
			&host.Agent{ID: "researcher", Name: "Researcher", Role: "Finds facts.", Model: "default", HistoryRuns: 3},
			&host.Agent{ID: "writer", Name: "Writer", Description: "Writes.", Model: "default"})
		c.Teams = []*host.Team{team}
	})
	return f, team
}

// asksTeam is a request of the session s.
func asksTeam(text string) host.RunRequest {
	req := asks(text)
	req.Component = host.Component{Kind: host.KindTeam, ID: "team"}
	return req
}

// delegate asks for one member.
func delegate(id, member, task string) string {
	return fmt.Sprintf(`%s %s {"member_id":%q,"task":%q}`, id, host.DelegateToMember, member, task)
}

// coordinated are the lines of a team whose researcher works once.
func coordinated() lines {
	return lines{
		"team":       {calls(delegate("d1", "researcher", "Find it.")), text("It is 42.")},
		"researcher": {text("42")},
		"writer":     {text("forty-two")},
	}
}

func TestTeamCoordinates(t *testing.T) {
	t.Parallel()
	input, output := blocking(pluginapi.PointInput, "in", says(allow)), blocking(pluginapi.PointOutput, "out", says(allow))
	f, _ := newTeam(t, host.TeamCoordinate, coordinated(), input, output.only("researcher"), background(pluginapi.PointOutput, "log"))
	run, s := f.streamed(t, asksTeam("What is it?"))
	if run.Status != host.RunCompleted || string(run.Content) != `"It is 42."` || run.Metrics.TotalTokens != 6 {
		t.Fatalf("run %+v, failure %+v", run, run.Failure)
	}
	want := []string{
		"team PreHookStarted in", "team PreHookCompleted in", "team RunStarted",
		"team ModelRequestStarted", "team ModelRequestCompleted", "team ToolCallStarted delegate_task_to_member",
		"researcher RunStarted", "researcher PreHookStarted in", "researcher PreHookCompleted in",
		"researcher ModelRequestStarted", "researcher ModelRequestCompleted",
		"researcher PostHookStarted out", "researcher PostHookCompleted out",
		"researcher RunContent", "researcher RunContentCompleted", "researcher RunCompleted",
		"team ToolCallCompleted delegate_task_to_member",
		"team ModelRequestStarted", "team RunContent", "team ModelRequestCompleted", "team RunContentCompleted", "team RunCompleted",
	}
	if diff := cmp.Diff(want, s.told()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	children, err := f.store.ChildRuns(t.Context(), run.ID)
	if err != nil || len(children) != 1 || len(run.Children) != 1 {
		t.Fatalf("children %+v, %v", children, err)
	}
	member := children[0]
	if member.ParentID != run.ID || member.RootID != run.ID || member.SessionID != "s" || member.Depth != 0 ||
		member.Background || string(member.Input) != `"Find it."` || run.Tools[0].ChildRunID != member.ID {
		t.Errorf("member %+v", member)
	}
	if got := f.calls(t, member.ID); !slices.Contains(got, "output log queued") {
		t.Errorf("calls of the member %v", got)
	}
	f.checkSequence(t, 0)
	if runs, err := f.store.History(t.Context(), "s", 9); err != nil || len(runs) != 1 {
		t.Errorf("history %+v, %v", runs, err)
	}
	turns := map[int]bool{}
	for _, c := range f.hooks.seen {
		turns[*c.Session.Turn] = true
		if c.Session.ID != run.ID {
			t.Errorf("a member's session is %s", c.Session.ID)
		}
	}
	if len(turns) != 1 {
		t.Errorf("turns %v", turns)
	}
}

// Members get no history and tell of their tasks alone.
func TestMembersHaveNoHistory(t *testing.T) {
	t.Parallel()
	f, _ := newTeam(t, host.TeamCoordinate, coordinated())
	f.run(t, asksTeam("first question"))
	f.run(t, asksTeam("second question"))
	for _, req := range f.model.requests {
		data, err := json.Marshal(req.Messages)
		if err != nil {
			t.Fatal(err)
		}
		if req.Agent == "researcher" && strings.Contains(string(data), "question") {
			t.Errorf("the member is told %s", data)
		}
	}
	last := f.model.requests[3]
	if data, _ := json.Marshal(last.Messages); last.Agent != "team" || !strings.Contains(string(data), "first question") {
		t.Errorf("the leader is told %s", data)
	}
	if system := host.Text(last.Messages[0].Content); !strings.Contains(system, "- researcher: Finds facts.") || !strings.Contains(system, "- writer: Writes.") {
		t.Errorf("the leader is told %s", system)
	}
}

func TestTeamRoutes(t *testing.T) {
	t.Parallel()
	said := coordinated()
	said["team"] = said["team"][:1]
	f, _ := newTeam(t, host.TeamRoute, said)
	run, s := f.streamed(t, asksTeam("What is it?"))
	if run.Status != host.RunCompleted || string(run.Content) != `"42"` || len(f.model.requests) != 2 {
		t.Fatalf("run %+v, failure %+v, %d requests", run, run.Failure, len(f.model.requests))
	}
	if got := s.told(); !slices.Equal(got[len(got)-3:], []string{"team RunContent", "team RunContentCompleted", "team RunCompleted"}) {
		t.Errorf("events %v", got)
	}
}

func TestTeamRoutesForASchema(t *testing.T) {
	t.Parallel()
	said := lines{"team": {calls(delegate("d", "writer", "Write."))}, "writer": {text(`{"n":42}`)}}
	f, _ := newTeam(t, host.TeamRoute, said, blocking(pluginapi.PointOutput, "look", says(allow)).only("team"))
	req := asksTeam("What is it?")
	req.OutputSchema = json.RawMessage(`{"type":"object","title":"N","properties":{"n":{"type":"integer"}},"required":["n"]}`)
	run := f.run(t, req)
	if string(run.Content) != `{"n":42}` || run.ContentType != "N" || len(f.model.requests) != 2 {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
}

// What hooks of the leader's tools leave is the answer of a team that routes.
func TestRoutedAnswerIsChanged(t *testing.T) {
	t.Parallel()
	said := coordinated()
	f, _ := newTeam(t, host.TeamRoute, said, blocking(pluginapi.PointPostToolCall, "count",
		says(`{"decision":"transform","transform":{"path":"$target","value":7}}`)))
	if run := f.run(t, asksTeam("What is it?")); string(run.Content) != `"7"` {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
}

func TestTeamBroadcasts(t *testing.T) {
	t.Parallel()
	said := coordinated()
	said["team"][0] = calls(`b delegate_task_to_members {"task":"Find it."}`)
	f, _ := newTeam(t, host.TeamBroadcast, said)
	run, s := f.streamed(t, asksTeam("What is it?"))
	if diff := cmp.Diff([]string{"researcher:\n42\n\nwriter:\nforty-two"}, toolMessages(&run)); diff != "" || string(run.Content) != `"It is 42."` {
		t.Errorf("run %+v, messages (-want +got):\n%s", run, diff)
	}
	if len(run.Children) != 2 || run.Children[0].Component.ID == run.Children[1].Component.ID {
		t.Errorf("children %+v", run.Children)
	}
	if got := s.told(); got[len(got)-1] != "team RunCompleted" {
		t.Errorf("events %v", got)
	}
}

func TestTeamInATeam(t *testing.T) {
	t.Parallel()
	said := coordinated()
	said["boss"] = []model.Response{calls(delegate("b", "team", "Ask.")), text("Said 42.")}
	f, _ := newTeam(t, host.TeamCoordinate, said, allPoints()...)
	f.configure(t, func(c *engine.Config) {
		c.Teams = append(c.Teams, &host.Team{
			Agent:   host.Agent{ID: "boss", Model: "default"},
			Members: []host.BindingScope{{Kind: host.KindTeam, ID: "team"}},
		})
	})
	req := asksTeam("What is it?")
	req.Component.ID = "boss"
	run := f.run(t, req)
	if string(run.Content) != `"Said 42."` {
		t.Fatalf("run %+v, failure %+v", run, run.Failure)
	}
	whole, err := f.WithChildren(t.Context(), f.stored(t, run.ID))
	if err != nil || len(whole.Children) != 1 || len(whole.Children[0].Children) != 1 {
		t.Fatalf("run %+v, %v", whole, err)
	}
	if deep := whole.Children[0].Children[0]; deep.RootID != run.ID || deep.Component.ID != "researcher" {
		t.Errorf("run %+v", deep)
	}
	f.checkSequence(t, 0)
	if n := len(f.hooks.at(pluginapi.PointAgentStartup)) + len(f.hooks.at(pluginapi.PointAgentShutdown)); n != 2 {
		t.Errorf("%d calls at startup and shutdown", n)
	}
}

// What becomes of a member the leader is told, and the team goes on.
func TestMemberDoesNotComplete(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bound  []boundHook
		script func(lines) func(context.Context, model.Request) (model.Response, error)
		want   string
		calls  []string
	}{
		"refused": {
			bound: []boundHook{blocking(pluginapi.PointInput, "guard", says(deny)).only("researcher"), background(pluginapi.PointInput, "log")},
			want:  "error: researcher refused: Not here.",
			calls: []string{"input guard completed forbidden", "input log skipped run_refused"},
		},
		"failed": {
			bound: []boundHook{background(pluginapi.PointInput, "log")},
			script: func(said lines) func(context.Context, model.Request) (model.Response, error) {
				return func(c context.Context, req model.Request) (model.Response, error) {
					if req.Agent == "researcher" {
						return model.Response{}, &model.Error{Type: model.ErrorProvider, Message: "out of order"}
					}
					return said.script(c, req)
				}
			},
			want:  "error: researcher failed: out of order",
			calls: []string{"input log queued"},
		},
	} {
		f, _ := newTeam(t, host.TeamRoute, coordinated(), test.bound...)
		if test.script != nil {
			f.model.script = test.script(coordinated())
		}
		run := f.run(t, asksTeam("What is it?"))
		if run.Status != host.RunCompleted || string(run.Content) != `"It is 42."` {
			t.Fatalf("%s: run %+v, failure %+v", name, run, run.Failure)
		}
		if diff := cmp.Diff([]string{test.want}, toolMessages(&run)); diff != "" {
			t.Errorf("%s: messages (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(test.calls, f.calls(t, run.Children[0].ID)); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
}

func TestUnknownMember(t *testing.T) {
	t.Parallel()
	said := coordinated()
	said["team"][0] = calls(delegate("d", "nobody", "Find it."))
	f, _ := newTeam(t, host.TeamCoordinate, said)
	run := f.run(t, asksTeam("What is it?"))
	if told := toolMessages(&run); len(told) != 1 || !strings.HasPrefix(told[0], "error: The arguments do not fit") || len(run.Children) != 0 {
		t.Errorf("told %q", told)
	}
}

// While the team's hooks of output have yet to judge nothing of what members
// answered leaves; when they deny, nothing does at all.
func TestTeamHoldsBack(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]string{"denied": deny, "permitted": allow} {
		said := coordinated()
		said["researcher"] = []model.Response{calls(`w weather {"city":"Oslo"}`), text(rejected)}
		said["team"][1] = text("final")
		tool := weather()
		var s *stream
		check := blocking(pluginapi.PointOutput, "check", func(context.Context, pluginapi.Context) (string, error) {
			if s.contains(t, rejected) || s.content() != "" {
				t.Errorf("%s: left before the verdict: %v", name, s.told())
			}
			return verdict, nil
		})
		f, _ := newTeam(t, host.TeamCoordinate, said, check.only("team"), background(pluginapi.PointOutput, "log"))
		f.config.Agents[1].Tools = []host.ToolRef{{Plugin: "box"}}
		f.configure(t, func(c *engine.Config) { c.Tools = &toolbox{functions: []*function{tool}} })
		s = &stream{}
		req := asksTeam("What is it?")
		req.Events = s.send
		run := f.run(t, req)
		if name == "permitted" {
			if run.Status != host.RunCompleted || len(run.Children) != 1 || s.content() != "final" {
				t.Errorf("run %+v, events %v", run, s.told())
			}
			continue
		}
		if run.Status != host.RunError || run.Children != nil || s.contains(t, rejected) || s.contains(t, "final") {
			t.Errorf("run %+v, events %v", run, s.told())
		}
		children, err := f.store.ChildRuns(t.Context(), run.ID)
		if err != nil || len(children) != 1 || children[0].Status != host.RunCompleted {
			t.Fatalf("children %+v, %v", children, err)
		}
		if diff := cmp.Diff([]string{"output log queued"}, f.calls(t, children[0].ID)); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
}

// The same holds for the stored stream of a background run.
func TestTeamHoldsBackInTheBackground(t *testing.T) {
	t.Parallel()
	said := coordinated()
	said["researcher"] = []model.Response{text(rejected)}
	f, _ := newTeam(t, host.TeamCoordinate, said, blocking(pluginapi.PointOutput, "check", says(deny)).only("team"))
	req := asksTeam("What is it?")
	req.Deltas = true
	run := f.background(t, req)
	var s stream
	if err := f.Follow(t.Context(), run.ID, 0, s.send); err != nil {
		t.Fatal(err)
	}
	if run.Status != host.RunError || s.contains(t, rejected) {
		t.Errorf("run %+v, events %v", run, s.told())
	}
	if told := s.told(); !slices.Contains(told, "researcher RunCompleted") {
		t.Errorf("events %v", told)
	}
}

func TestMembersDeltas(t *testing.T) {
	t.Parallel()
	f, _ := newTeam(t, host.TeamCoordinate, coordinated())
	_, s := f.streamed(t, asksTeam("What is it?"))
	if s.content() != "42It is 42." {
		t.Errorf("content %q of %v", s.content(), s.told())
	}
}

func TestTopLevelBinding(t *testing.T) {
	t.Parallel()
	top := blocking(pluginapi.PointInput, "top", says(allow))
	top.topLevel = true
	f, _ := newTeam(t, host.TeamCoordinate, coordinated(), top)
	f.run(t, asksTeam("What is it?"))
	if seen := f.hooks.at(pluginapi.PointInput); len(seen) != 1 || seen[0].Agent.ID != "team" {
		t.Errorf("hooks saw %+v", seen)
	}
}

// What a hook of a member leaves in the session's state its leader's hooks find, and
// the root stores.
func TestStateIsSharedInATeam(t *testing.T) {
	t.Parallel()
	remember := blocking(pluginapi.PointOutput, "remember", func(c context.Context, _ pluginapi.Context) (string, error) {
		return allow, servicesOf(c).SessionState.Merge(c, json.RawMessage(`{"found":42}`))
	}).only("researcher")
	remember.permissions.SessionState = &pluginapi.SessionStatePermission{Access: pluginapi.AccessWrite, Reason: "r"}
	look := blocking(pluginapi.PointOutput, "look", func(c context.Context, _ pluginapi.Context) (string, error) {
		state, err := servicesOf(c).SessionState.Get(c)
		if string(state) != `{"found":42}` {
			t.Errorf("state %s", state)
		}
		return allow, err
	}).only("team")
	look.permissions = remember.permissions
	f, _ := newTeam(t, host.TeamCoordinate, coordinated(), remember, look)
	run := f.run(t, asksTeam("What is it?"))
	session, err := f.store.Session(t.Context(), "s")
	if err != nil || run.Status != host.RunCompleted || string(session.State) != `{"found":42}` {
		t.Errorf("run %+v, session %+v, %v", run, session, err)
	}
}

// A cancel ends members too.
func TestCancelInAMember(t *testing.T) {
	t.Parallel()
	for _, inBackground := range []bool{false, true} {
		f, _ := newTeam(t, host.TeamCoordinate, nil, background(pluginapi.PointInput, "log"))
		req := asksTeam("What is it?")
		req.RunID = host.NewID()
		f.model.script = func(c context.Context, asked model.Request) (model.Response, error) {
			if asked.Agent == "team" {
				return coordinated().script(c, asked)
			}
			if err := f.Cancel(context.WithoutCancel(c), req.RunID); err != nil {
				t.Error(err)
			}
			<-c.Done()
			return model.Response{}, c.Err()
		}
		var run host.Run
		if inBackground {
			run = f.background(t, req)
		} else {
			run = f.run(t, req)
		}
		children, err := f.store.ChildRuns(t.Context(), run.ID)
		if err != nil || len(children) != 1 || run.Status != host.RunCancelled || children[0].Status != host.RunCancelled {
			t.Fatalf("run %+v, children %+v, %v", run, children, err)
		}
		if diff := cmp.Diff([]string{"input log queued"}, f.calls(t, children[0].ID)); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
}

func TestTeamsAreChecked(t *testing.T) {
	t.Parallel()
	f, team := newTeam(t, host.TeamCoordinate, nil)
	for name, members := range map[string][]host.BindingScope{
		"no members":      nil,
		"contains itself": {{Kind: host.KindTeam, ID: "team"}},
		"does not exist":  {{Kind: host.KindAgent, ID: "nobody"}},
	} {
		changed := *team
		changed.Members = members
		cfg := f.config
		cfg.Teams = []*host.Team{&changed}
		if _, err := engine.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The end of a member that cannot be stored ends the team.
func TestMemberCannotBeStored(t *testing.T) {
	t.Parallel()
	f, _ := newTeam(t, host.TeamCoordinate, coordinated())
	f.store.finishing = func(finish host.Finish) error {
		if finish.Run.ParentID != "" {
			return errors.New("disk full")
		}
		return nil
	}
	if run := f.run(t, asksTeam("What is it?")); run.Status != host.RunError || run.Failure.Message != "The run failed inside the host." {
		t.Errorf("run %+v", run)
	}
}
