package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// newCluster starts three hosts with one configuration on one empty database, at
// once. The plugins are in the directory of plugins.
func newCluster(t *testing.T, c config, plugins ...plugin) (*site, []*process) {
	t.Helper()
	c.store = postgrestest.Database(t)
	s := newSite(t, c)
	for _, p := range plugins {
		s.put(t, p)
	}
	return s, s.startAll(t, 3)
}

// metric is the value of a line of /-/metrics.
func (c *client) metric(t testing.TB, name string) int {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`)
	found := line.FindSubmatch(c.get(t, "/-/metrics").want(t, 200).body)
	if found == nil {
		t.Fatalf("there is no metric %s", name)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return int(value)
}

// busy returns the node that carries out a run of the agent, and the other ones.
func busy(t *testing.T, nodes []*process) (*process, []*process) {
	t.Helper()
	return busyWith(t, nodes, inFlight("agent", "agent"))
}

// busyWith is busy for another component, by its metric. Every node must have run it.
func busyWith(t *testing.T, nodes []*process, metric string) (*process, []*process) {
	t.Helper()
	i := slices.IndexFunc(nodes, func(p *process) bool { return p.metric(t, metric) > 0 })
	if i < 0 {
		t.Fatal("no node carries out the run")
	}
	return nodes[i], slices.Delete(slices.Clone(nodes), i, i+1)
}

// TestClusterSharesPlugins: what one node is told of plugins and bindings is in
// force on all.
func TestClusterSharesPlugins(t *testing.T) {
	t.Parallel()
	_, nodes := newCluster(t, config{})
	everywhere := func(what, answer string) {
		t.Helper()
		for i, p := range nodes {
			eventually(t, fmt.Sprintf("%s is in force on node %d", what, i+1), func() bool {
				got := p.run(t, "agent", form{"message": "hello"})
				return string(got.Content) == answer
			})
		}
	}
	editor := newPlugin(t, "editor", "", hook{name: "edit", point: "input", does: guesttest.Answers(rewrite("edited"))})
	nodes[0].install(t, editor)
	nodes[0].bind(t, "agent", binding{"plugin": "editor"})
	everywhere("the plugin", "edited")
	nodes[2].get(t, "/plugins/editor").want(t, 200).says(t, `"1.0.0"`)
	nodes[2].get(t, "/agents/agent/hooks").want(t, 200).says(t, `"editor"`)

	nodes[1].bind(t, "agent", binding{"plugin": "editor", "mode": "background"})
	everywhere("the other binding", "hello")
	nodes[2].bind(t, "agent", binding{"plugin": "editor"})
	everywhere("the binding", "edited")

	nodes[1].sendJSON(t, "POST", "/plugins/editor/1.0.0/deactivate?force=true", nil).want(t, 200)
	for i, p := range nodes {
		eventually(t, fmt.Sprintf("the deactivation is in force on node %d", i+1), func() bool {
			got := p.run(t, "agent", form{"message": "hello"})
			return got.Status == "ERROR" && strings.HasPrefix(got.ErrorID, "host_error:")
		})
	}
	nodes[2].bind(t, "agent")
	everywhere("the removed binding", "hello")
}

// TestClusterSharesRuns: a run is polled, followed and cancelled on any node, and
// the runs of a session wait for each other on all.
func TestClusterSharesRuns(t *testing.T) {
	t.Parallel()
	model := newGates(t)
	_, nodes := newCluster(t, config{model: openai(model.BaseURL())})
	mustKeepOrder(t, model, nodes[0], nodes[1], nodes[2])

	first := nodes[0].follow(t, "agent", form{"message": "wait for it", "session_id": "stream"})
	head := first.until(t, "RunContent")
	first.body.Close()
	r := run{AgentID: "agent", RunID: head[0].RunID, SessionID: "stream"}
	if got := nodes[1].read(t, r); got.Status != "RUNNING" {
		t.Errorf("another node shows the run as %s", got.Status)
	}
	open := nodes[2].resume(t, r, lastIndex(t, head))
	begun := open.until(t, "subscribed")
	model.open("wait for it")
	_, rest := split(append(begun, open.rest(t)...))
	mustBeStreamOf(t, append(head, rest...), "to wait for it")
	nodes[1].read(t, r).must(t, "to wait for it")

	for i, p := range nodes {
		message := fmt.Sprintf("wait %d", i)
		r := nodes[(i+1)%3].launch(t, "agent", form{"message": message})
		model.await(t, message, 1)
		p.cancel(t, r)
		if got := nodes[(i+2)%3].ended(t, r); got.Status != "CANCELLED" {
			t.Errorf("the run cancelled on node %d is %s", i+1, got.Status)
		}
	}
	plain := nodes[0].begin(t, "agent", form{"message": "wait plain", "run_id": "plain", "session_id": "plain"})
	model.await(t, "wait plain", 1)
	nodes[2].cancel(t, run{AgentID: "agent", RunID: "plain"})
	if got := answered(t, plain); got.Status != "CANCELLED" {
		t.Errorf("the foreground run cancelled on another node is %s", got.Status)
	}
}

// TestClusterTakesOver: the run of a node that is killed goes on elsewhere, and so
// does its stream.
func TestClusterTakesOver(t *testing.T) {
	t.Parallel()
	model, service := newGates(t), newReceiver(t, nil)
	_, nodes := newCluster(t, config{model: openai(model.BaseURL())})
	nodes[0].installWith(t, watch(t, service), "http")
	nodes[0].bind(t, "agent", binding{"plugin": "watch"})
	inForce(t, nodes)

	s := nodes[0].follow(t, "agent", form{"message": "wait for it", "session_id": "s"})
	head := s.until(t, "ModelRequestStarted")
	model.await(t, "wait for it", 1)
	r := run{AgentID: "agent", RunID: head[0].RunID, SessionID: "s"}
	victim, others := busy(t, nodes)
	victim.kill(t)
	open := others[0].resume(t, r, lastIndex(t, head))
	more := open.until(t, "RunContinued")
	model.open("wait for it")
	_, rest := split(append(more, open.rest(t)...))
	mustComplete(t, append(head, rest...), "to wait for it")
	others[1].read(t, r).must(t, "to wait for it")
	others[1].settled(t, r.RunID)
	mustBeTold(t, service, r)
}

// inForce waits until every node calls the hooks of watch.
func inForce(t *testing.T, nodes []*process) {
	t.Helper()
	for _, p := range nodes {
		eventually(t, "the binding is in force", func() bool {
			return len(p.hooks(t, p.run(t, "agent", form{"message": "hello"}).RunID)) > 0
		})
	}
}

// TestClusterHandsOver: a node that is told to stop gives its run to another one.
func TestClusterHandsOver(t *testing.T) {
	t.Parallel()
	model, service := newGates(t), newReceiver(t, nil)
	s, nodes := newCluster(t, config{model: openai(model.BaseURL()), more: "background: {drain: 50ms}\n"})
	nodes[0].installWith(t, watch(t, service), "http")
	nodes[0].bind(t, "agent", binding{"plugin": "watch"})
	inForce(t, nodes)

	r := nodes[0].launch(t, "agent", form{"message": "wait for it", "session_id": "s"})
	model.await(t, "wait for it", 1)
	leaver, others := busy(t, nodes)
	leaver.stop(t)
	model.await(t, "wait for it", 2)
	model.open("wait for it")
	others[0].ended(t, r).must(t, "to wait for it")
	others[1].settled(t, r.RunID)
	mustBeTold(t, service, r)
	for _, row := range s.database(t).runs(t) {
		if row.losses != 0 {
			t.Errorf("the run %s has lost %d workers", row.ID, row.losses)
		}
	}
}

// TestNodesOfDifferentConfigurations: a run whose agent a node does not know ends
// there with that as the reason.
func TestNodesOfDifferentConfigurations(t *testing.T) {
	t.Parallel()
	model := newGates(t)
	c := config{store: postgrestest.Database(t), model: openai(model.BaseURL()), more: "background: {drain: 50ms}\n"}
	less := newSite(t, c)
	c.agents = []string{"agent", "extra"}
	p := newSite(t, c).start(t)
	p.launch(t, "extra", form{"message": "wait for it"})
	model.await(t, "wait for it", 1)
	other := less.start(t)
	other.submit(t, "extra", form{"message": "hello"}).want(t, 404)
	p.stop(t)
	db := less.database(t)
	eventually(t, "the run is over", func() bool { return db.runs(t)[0].status == "ERROR" })
	if got := db.runs(t)[0].Failure.Message; !strings.Contains(got, `no agent "extra"`) {
		t.Errorf("the run failed with %q", got)
	}
}

// TestMigrate: the command prepares a database and finds it prepared.
func TestMigrate(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{store: postgrestest.Database(t)})
	migrate := func() string {
		t.Helper()
		p := s.spawn(t, "migrate", "--config", "host.yaml")
		p.wait(t)
		return p.output.String()
	}
	version := regexp.MustCompile(`is up to date: schema version (\d+), was (\d+)\n$`)
	first, second := version.FindStringSubmatch(migrate()), version.FindStringSubmatch(migrate())
	if first == nil || second == nil || first[1] == "0" || first[2] != "0" {
		t.Fatalf("the first time it says %q, then %q", first, second)
	}
	if diff := cmp.Diff([]string{first[1], first[1]}, second[1:]); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	s.start(t).run(t, "agent", form{"message": "hello"}).must(t, "hello")
}
