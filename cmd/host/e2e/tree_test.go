package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// below are the ids of the runs inside a run, in the order of their ends.
func (s *site) below(t testing.TB, root string) []string {
	t.Helper()
	return s.database(t).texts(t, fmt.Sprintf(`SELECT run_id FROM run_children WHERE root_id = '%s' ORDER BY seq`, root))
}

// TestMemberOfARefusedTeam: what a member's run has earned stays when its team is
// refused, and none of it is shown with the team.
func TestMemberOfARefusedTeam(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		service := newReceiver(t, nil)
		s := newSite(t, config{
			store: store, model: openai(newCaller(t).BaseURL()), agents: []string{"member"},
			more: "teams: [{id: team, model: default, members: [member]}]\n",
		})
		p := s.start(t)
		p.installWith(t, watch(t, service), "http")
		p.install(t, newPlugin(t, "no", "", hook{name: "way", point: "output", does: guesttest.Answers(deny)}))
		p.bind(t, "member", binding{"plugin": "watch"})
		p.bind(t, "teams/team", binding{"plugin": "watch"}, binding{"plugin": "no"})
		got := p.run(t, "teams/team", form{"message": "hello", "session_id": "s"})
		if got.Status != "ERROR" || got.ErrorID != "not_today" || len(got.Members) != 0 {
			t.Errorf("the team is %+v", got)
		}
		member := s.below(t, got.RunID)
		if len(member) != 1 {
			t.Fatalf("inside the team are the runs %v", member)
		}
		for id, want := range map[string][]string{
			member[0]: {"watch.before blocking completed allowed", "watch.after background completed allowed"},
			got.RunID: {
				"watch.before blocking completed allowed", "watch.after background skipped run_refused",
				"no.way blocking completed denied not_today",
			},
		} {
			if diff := cmp.Diff(want, summaries(p.settled(t, id))); diff != "" {
				t.Errorf("hook calls of %s (-want +got):\n%s", id, diff)
			}
		}
		mustBeTold(t, service, run{RunID: member[0]})
	})
}

// TestClientThatLeavesATeam: the member's run ends with the request of its team.
func TestClientThatLeavesATeam(t *testing.T) {
	t.Parallel()
	model := newGatedCaller(t)
	s := newSite(t, config{
		model: openai(model.BaseURL()), agents: []string{"member"},
		more: "teams: [{id: team, model: default, members: [member]}]\n",
	})
	p := s.start(t)
	for _, stream := range []string{"true", "false"} {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		message := "hold " + stream
		contentType, body := form{"message": message, "stream": stream, "run_id": stream, "session_id": stream}.urlencoded()
		left := make(chan struct{})
		go func() {
			defer close(left)
			_, _ = p.send(ctx, "POST", "/teams/team/runs", contentType, body)
		}()
		model.await(t, "task of "+message, 1)
		leave()
		receive(t, "the client to leave", left)
		p.awaitStatus(t, run{TeamID: "team", RunID: stream, SessionID: stream}, "CANCELLED")
		checkCancelledInside(t, s, run{TeamID: "team", RunID: stream}, []string{"member"})
	}
}

// TestBranchThatFails: a branch of a parallel that fails ends the others, and is
// skipped or tried again where its step says so.
func TestBranchThatFails(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t, func(_ int, req openaitest.Request) openaitest.Answer {
		switch message := lastMessage(req); {
		case strings.Contains(req.Messages[0].Content, "Wait"):
			return openaitest.Answer{Content: "to " + message, Hold: make(chan struct{})}
		case strings.Contains(req.Messages[0].Content, "Break"):
			return openaitest.Failure(401, "invalid_api_key", "wrong key")
		}
		return openaitest.Text("to " + lastMessage(req))
	})
	s := newSite(t, config{
		model: openai(model.BaseURL()),
		agents: []string{
			"fine", "{id: waits, model: default, instructions: Wait.}", "{id: breaks, model: default, instructions: Break.}",
		},
		more: "workflows:\n" +
			"  - {id: fails, steps: [{parallel: [{agent: waits}, {agent: breaks}]}, {agent: fine}]}\n" +
			"  - {id: skips, steps: [{parallel: [{agent: fine}, {agent: breaks, on_error: skip}]}, {agent: fine, name: last}]}\n" +
			"  - {id: retries, steps: [{agent: breaks, on_error: retry, retries: 2}]}\n",
	})
	p := s.start(t)
	failed := p.run(t, "workflows/fails", form{"message": "hello"})
	if failed.Status != "ERROR" || failed.ErrorType != "step_error" || !strings.Contains(string(failed.Content), "breaks") {
		t.Errorf("the workflow is %s with %s %s %q", failed.Status, failed.ErrorType, failed.ErrorID, failed.Content)
	}
	ends := map[string]string{}
	for _, id := range s.below(t, failed.RunID) {
		r := s.storedAs(t, id)
		ends[r.Component.ID] = r.status
	}
	if diff := cmp.Diff(map[string]string{"waits": "CANCELLED", "breaks": "ERROR"}, ends); diff != "" {
		t.Errorf("the branches (-want +got):\n%s", diff)
	}
	skipped := p.run(t, "workflows/skips", form{"message": "hello"})
	if skipped.Status != "COMPLETED" || !strings.Contains(string(skipped.Content), "FAILURE: breaks") {
		t.Errorf("the workflow is %s with %q", skipped.Status, skipped.Content)
	}
	again := p.run(t, "workflows/retries", form{"message": "hello"})
	if n := len(s.below(t, again.RunID)); again.Status != "ERROR" || n != 3 {
		t.Errorf("the workflow is %s after %d runs of its step, want 3", again.Status, n)
	}
}

// TestRepeatedTrees: a request with the key of an earlier one is answered with all that
// the first was answered.
func TestRepeatedTrees(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{
		model: openai(newCaller(t).BaseURL()), agents: []string{"member"},
		more: "teams: [{id: team, model: default, members: [member]}]\nworkflows: [{id: flow, steps: [{agent: member}]}]\n",
	})
	p := s.start(t)
	for _, component := range []string{"teams/team", "workflows/flow"} {
		var answers [2]run
		for i := range answers {
			contentType, body := form{"message": "hello", "stream": "false"}.urlencoded()
			r, err := p.send(t.Context(), "POST", home(component)+"/runs", contentType, body, "Idempotency-Key", component)
			if err != nil {
				t.Fatal(err)
			}
			r.want(t, 200).into(t, &answers[i])
		}
		if n := len(answers[0].Members) + len(answers[0].Steps); n != 1 {
			t.Errorf("%s shows %d runs inside", component, n)
		}
		if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
			t.Errorf("%s, first and repeated (-want +got):\n%s", component, diff)
		}
	}
}

// TestToolsThatGoAway: while the tools of an agent cannot be used its runs say so, and
// when they are there again it goes on.
func TestToolsThatGoAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{
		model:  openai(newObedient(t).BaseURL()),
		agents: []string{"{id: agent, model: default, tools: [{plugin: tools}]}", mcpAgent("remote", "{command: [no-such-program]}")},
	})
	p := s.start(t)
	for _, agent := range []string{"agent", "remote"} {
		got := p.run(t, agent, form{"message": "work {}"})
		if got.Status != "ERROR" || got.ErrorType != "tools_unavailable_error" || got.Content == "" {
			t.Errorf("without its tools %s is %s with %s %q", agent, got.Status, got.ErrorType, got.Content)
		}
	}
	tools := newToolPlugin(t, "tools", "", function{name: "work", does: guesttest.Answers("done")})
	p.install(t, tools)
	p.run(t, "agent", form{"message": "work {}"}).must(t, "done")
	p.get(t, "/agents/agent").want(t, 200).says(t, `"work"`)
	p.get(t, "/agents/remote").want(t, 200)
	p.sendJSON(t, "POST", "/plugins/tools/1.0.0/deactivate?force=true", nil).want(t, 200)
	away := p.run(t, "agent", form{"message": "work {}"})
	if away.Status != "ERROR" || away.ErrorType != "tools_unavailable_error" || !strings.Contains(string(away.Content), `"tools"`) {
		t.Errorf("without its tools again the agent is %s with %s %q", away.Status, away.ErrorType, away.Content)
	}
	p.activate(t, tools).want(t, 200)
	p.run(t, "agent", form{"message": "work {}"}).must(t, "done")
}
