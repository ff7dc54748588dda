package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// newGatedCaller is a caller that answers a message "task of hold …" not before the
// test lets it.
func newGatedCaller(t testing.TB) *gates {
	t.Helper()
	g := &gates{held: map[string]chan struct{}{}}
	g.Server = openaitest.New(t, func(_ int, req openaitest.Request) openaitest.Answer {
		answer := callEach(req)
		if message := lastMessage(req); strings.HasPrefix(message, "task of hold") {
			answer.Hold = g.gate(message)
		}
		return answer
	})
	return g
}

// newTreeCluster is three hosts with a team and a workflow: thinker asks the model
// alone, worker has a tool that posts to the workshop.
func newTreeCluster(t *testing.T, model *gates, workshop *receiver, more string) (*site, []*process) {
	t.Helper()
	return newCluster(t, config{
		model: openai(model.BaseURL()),
		agents: []string{
			"agent", "thinker", "{id: worker, model: default, tools: [{plugin: tools, functions: [work], timeout: 1m}]}",
		},
		more: more + `teams:
  - {id: thinking, model: default, members: [thinker]}
  - {id: working, model: default, members: [worker]}
workflows:
  - id: flow
    steps:
      - parallel: [{agent: thinker}, {agent: worker}, {plugin: tools, function: save}]
  - {id: line, steps: [{plugin: tools, function: note}, {agent: thinker}]}
plugins: {dir: plugins, grants: {tools: [http]}}
`,
	}, newToolPlugin(t, "tools", permitHTTP(workshop.url()),
		function{"work", []string{takes("text"), "timeout: 1m"}, guesttest.Forwards(workshop.url())},
		function{"save", []string{takes("previous"), "timeout: 1m"}, guesttest.Forwards(workshop.url())},
		function{"note", []string{takes("previous")}, guesttest.Forwards(workshop.url() + "/note")}))
}

// TestCancelTrees cancels a team whose member asks the model, a team whose member is
// in a tool, and a workflow in the middle of a parallel, each on another node than it
// was asked of: all that was going on is CANCELLED, and nothing is left of it.
func TestCancelTrees(t *testing.T) {
	t.Parallel()
	model, workshop := newGatedCaller(t), newWorkshop(t)
	site, nodes := newTreeCluster(t, model, workshop, "")
	s := &storm{model: model, service: workshop, site: site, nodes: nodes}
	for _, p := range nodes {
		p.run(t, "teams/working", form{"message": "hello"}).must(t, "so so did task of hello")
		p.run(t, "workflows/line", form{"message": "hello"})
	}
	before := s.goroutines(t)
	worked := len(workshop.requests())
	release := workshop.block(t)

	asking := nodes[0].launch(t, "teams/thinking", form{"message": "hold the member"})
	model.await(t, "task of hold the member", 1)
	inTool := nodes[1].launch(t, "teams/working", form{"message": "wait in the tool"})
	workshop.await(t, worked+1)
	inParallel := nodes[2].launch(t, "workflows/flow", form{"message": "task of hold the thinker"})
	model.await(t, "task of hold the thinker", 2) // the worker's model is held, too
	workshop.await(t, worked+2)

	trees := map[string]run{"thinker": asking, "worker": inTool, "thinker worker": inParallel}
	n := 0
	for _, r := range trees {
		n++
		nodes[n%3].cancel(t, r)
	}
	for inside, r := range trees {
		if got := nodes[2].ended(t, r); got.Status != "CANCELLED" {
			t.Errorf("the run of %s is %s with %q", r.component(), got.Status, got.Content)
		}
		checkCancelledInside(t, site, r, strings.Fields(inside))
	}
	release()
	model.open("task of hold the member")
	model.open("task of hold the thinker")
	s.checkNothingIsLeft(t, before,
		inFlight("team", "working"), inFlight("agent", "worker"), inFlight("workflow", "line"), inFlight("agent", "thinker"))
}

// TestCancelInsideTrees cancels members of teams that go on elsewhere, by the route of
// the team or of the agent: the leaders are told so.
func TestCancelInsideTrees(t *testing.T) {
	t.Parallel()
	model := newGatedCaller(t)
	_, nodes := newTreeCluster(t, model, newWorkshop(t), "")
	for background, route := range map[string]run{"false": {TeamID: "thinking"}, "true": {AgentID: "thinker"}} {
		message := "hold " + background
		s := nodes[0].mustStream(t, "teams/thinking", form{"message": message, "session_id": message, "background": background})
		head := s.until(t, "RunStarted") // of the member
		model.await(t, "task of "+message, 1)
		route.RunID = head[len(head)-1].RunID
		nodes[1].cancel(t, route)
		if rest := names(s.rest(t)); !slices.Contains(rest, "RunCancelled") || slices.Contains(rest, "TeamRunCancelled") {
			t.Errorf("the stream of the team goes on with %v", rest)
		}
		team := run{TeamID: "thinking", RunID: head[0].RunID, SessionID: message}
		got := nodes[2].read(t, team).must(t, "so thinker was cancelled")
		if len(got.Members) != 1 || got.Members[0].RunID != route.RunID || got.Members[0].Status != "CANCELLED" {
			t.Errorf("the members are %+v", got.Members)
		}
	}
}

// checkCancelledInside: the runs inside a cancelled one have rows, and are CANCELLED.
func checkCancelledInside(t *testing.T, s *site, root run, want []string) {
	t.Helper()
	db := s.database(t)
	inside := db.texts(t, fmt.Sprintf(`SELECT run_id FROM run_children WHERE root_id = '%s'`, root.RunID))
	var got []string
	for _, r := range db.runs(t) {
		if !slices.Contains(inside, r.ID) {
			continue
		}
		got = append(got, r.Component.ID)
		if r.status != "CANCELLED" {
			t.Errorf("the run of %s inside the cancelled %s is %s", r.Component.ID, root.component(), r.status)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("inside the cancelled %s are the runs of %v, want %v", root.component(), got, want)
	}
}

// TestClusterStreamsTrees: the stream of a team is taken up on another node; that of a
// workflow whose node is killed goes on elsewhere, from the step that had not ended.
func TestClusterStreamsTrees(t *testing.T) {
	t.Parallel()
	model, workshop := newGatedCaller(t), newWorkshop(t)
	_, nodes := newTreeCluster(t, model, workshop, "")

	s := nodes[0].follow(t, "teams/thinking", form{"message": "hold it", "session_id": "team"})
	head := s.until(t, "RunStarted")
	s.body.Close()
	model.await(t, "task of hold it", 1)
	r := run{TeamID: "thinking", RunID: head[0].RunID, SessionID: "team"}
	open := nodes[1].resume(t, r, lastIndex(t, head))
	begun := open.until(t, "subscribed")
	model.open("task of hold it")
	_, rest := split(append(begun, open.rest(t)...))
	mustComplete(t, append(head, rest...), "so so task of hold it")
	nodes[2].read(t, r).must(t, "so so task of hold it")

	for _, p := range nodes {
		p.run(t, "workflows/line", form{"message": "hello"}).must(t, "so task of hello")
	}
	s = nodes[0].follow(t, "workflows/line", form{"message": "hold this"})
	head = s.until(t, "ModelRequestStarted")
	model.await(t, "task of hold this", 1)
	r = run{WorkflowID: "line", RunID: head[0].RunID, SessionID: head[0].SessionID}
	victim, others := busyWith(t, nodes, inFlight("workflow", "line"))
	victim.kill(t)
	open = others[0].resume(t, r, lastIndex(t, head))
	more := open.until(t, "CustomEvent")
	model.open("task of hold this")
	_, rest = split(append(more, open.rest(t)...))
	mustComplete(t, append(head, rest...), "so task of hold this")
	others[1].read(t, r).must(t, "so task of hold this")
	if n := len(workshop.requests()) - len(nodes); n != 1 {
		t.Errorf("the function of the first step was called %d times", n)
	}
}

// TestClusterHandsTreesOver: a node that is told to stop gives its team and its
// workflow to others, which go on where they were; a tool that was at work then is not
// called again.
func TestClusterHandsTreesOver(t *testing.T) {
	t.Parallel()
	model, workshop := newGatedCaller(t), newWorkshop(t)
	site, nodes := newTreeCluster(t, model, workshop, "background: {drain: 50ms}\n")
	for _, p := range nodes {
		p.run(t, "teams/working", form{"message": "hello"})
		p.run(t, "workflows/line", form{"message": "hello"})
	}
	worked := len(workshop.requests())
	line := nodes[0].launch(t, "workflows/line", form{"message": "hold the line"})
	model.await(t, "task of hold the line", 1)
	leaver, others := busyWith(t, nodes, inFlight("workflow", "line"))
	leaver.stop(t)
	model.await(t, "task of hold the line", 2)
	model.open("task of hold the line")
	others[0].ended(t, line).must(t, "so task of hold the line")
	if n := len(workshop.requests()) - worked; n != 1 {
		t.Errorf("the function of the first step was called %d times", n)
	}

	release := workshop.block(t)
	working := others[0].launch(t, "teams/working", form{"message": "work"})
	workshop.await(t, worked+2)
	leaver, others = busyWith(t, others, inFlight("team", "working"))
	leaver.stop(t)
	release()
	got := others[0].ended(t, working)
	if got.Status != "COMPLETED" || !strings.Contains(string(got.Content), "The result of this call is unknown") {
		t.Errorf("the team is %s with %q", got.Status, got.Content)
	}
	if n := len(workshop.requests()) - worked; n != 2 {
		t.Errorf("the tools were called %d times, want once each", n)
	}
	for _, row := range site.database(t).runs(t) {
		if row.losses != 0 {
			t.Errorf("the run %s has lost %d workers", row.ID, row.losses)
		}
	}
}
