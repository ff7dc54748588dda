package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// killTrees are components that call tools and run others: an agent with two tools,
// a team with a team in it, and a workflow with functions, a parallel and a loop.
// once, save and stamp may work once only.
const killTrees = `teams:
  - {id: desk, model: default, members: [worker, inner], hooks: [{plugin: checks}]}
  - {id: inner, model: default, members: [clerk], hooks: [{plugin: checks}]}
workflows:
  - id: flow
    hooks: [{plugin: checks}]
    steps:
      - {agent: worker, name: work}
      - {plugin: tools, function: save}
      - parallel:
          - {agent: clerk}
          - {plugin: tools, function: stamp}
          - {plugin: tools, function: tick}
      - loop: {steps: [{plugin: tools, function: tick}, {agent: clerk}], max_iterations: 2}
plugins: {dir: plugins, grants: {tools: [http], checks: [http]}}
`

// killAgents are all agents that killed hosts run.
var killAgents = []string{
	"busy", "refused-input", "refused-output", "slow",
	`{id: worker, model: default, tools: [{plugin: tools, functions: [once, again]}], hooks: [{plugin: checks}]}`,
	`{id: clerk, model: default, hooks: [{plugin: checks}]}`,
}

// callOnce are the tools that are not idempotent, with the paths they post to.
var callOnce = []string{"once", "save", "stamp"}

// putTreePlugins lays the plugins of the trees into the site: tools that have their
// work done in the workshop, and hooks for every component.
func (k *killing) putTreePlugins(t *testing.T, kills int) {
	t.Helper()
	url, witness := k.workshop.url(), k.witness.url()
	tool := func(name string, more ...string) function {
		return function{name, more, guesttest.Forwards(url + "/" + name)}
	}
	k.site.put(t, newToolPlugin(t, "tools", permitHTTP(url),
		tool("once"), tool("again", "idempotent: true"), tool("save"), tool("stamp"), tool("tick", "idempotent: true")))
	blocking := []string{"mode: blocking"}
	k.site.put(t, newPlugin(t, "checks", permitHTTP(witness),
		hook{name: "input", point: "input", fields: blocking, does: guesttest.Answers(allow)},
		hook{name: "before_model", point: "pre_model_call", fields: blocking, does: guesttest.Answers(allow)},
		hook{name: "before_tool", point: "pre_tool_call", fields: blocking, does: guesttest.Answers(allow)},
		hook{name: "called", point: "post_tool_call", fields: untilDone(kills), does: guesttest.Posts(witness + "/called")},
		hook{name: "output", point: "output", fields: blocking, does: guesttest.Answers(allow)}))
}

// untilDone are the fields of a background hook with more attempts than there are
// kills.
func untilDone(kills int) []string {
	return []string{"mode: background", fmt.Sprintf("retry: {max_attempts: %d, initial: 10ms, max: 50ms}", kills+1)}
}

// newSlowWorkshop is a workshop that takes a moment for each piece of work.
func newSlowWorkshop(t *testing.T) *receiver {
	t.Helper()
	r := newReceiver(t, nil)
	r.says = func(request) string {
		<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
		return "done"
	}
	return r
}

// checkTools: a tool that is not idempotent has worked at most once for a run, and
// nothing has worked for a run that is not there.
func (k *killing) checkTools(t *testing.T, report *killReport, runs map[string]storedRun) {
	t.Helper()
	worked := map[string]int{}
	for _, req := range k.workshop.requests() {
		in := readToolInput(t, req.body)
		if _, known := runs[in.Run.ID]; !known && in.Run.ID == in.Run.RootID {
			t.Errorf("%s has worked for the run %s, which is not there", in.Tool, in.Run.ID)
		}
		report.toolCalls++
		call := in.CallID
		if slices.Contains(callOnce, in.Tool) {
			call = in.Run.ID + " " + in.Tool
		}
		worked[call+" "+in.Tool]++
	}
	for call, times := range worked {
		switch tool := call[strings.LastIndex(call, " ")+1:]; {
		case times > 1 && slices.Contains(callOnce, tool):
			t.Errorf("%s has worked %d times, and may once", call, times)
		case times > 1:
			report.toolsRepeated += times - 1
		}
	}
}

// childrenOf are the components that a completed run has run, in their order of
// names.
var childrenOf = map[string][]string{
	"desk": {"inner", "worker"}, "inner": {"clerk"}, "flow": {"clerk", "clerk", "clerk", "worker"},
}

// storedChild is a row of run_children.
type storedChild struct{ id, root, parent string }

func (db database) children(t testing.TB) []storedChild {
	t.Helper()
	return all(t, db, `SELECT run_id, root_id, parent_id FROM run_children`, func(scan func(...any) error) (storedChild, error) {
		var c storedChild
		err := scan(&c.id, &c.root, &c.parent)
		return c, err
	})
}

// lost reports whether a run ended with the worker that died; what was inside it then
// has no row unless it had ended.
func (r storedRun) lost() bool {
	return r.Failure.Type == "host_restarted" || r.Failure.Type == "worker_lost"
}

// checkTrees: every run inside another one has ended, below runs that are there; a
// completed team or workflow has each of its members and steps once.
func (k *killing) checkTrees(t *testing.T, report *killReport, db database, runs map[string]storedRun) {
	t.Helper()
	below, steps := map[string][]string{}, map[string]bool{}
	for _, child := range db.children(t) {
		report.children++
		r := runs[child.id]
		_, hasParent := runs[child.parent]
		root, hasRoot := runs[child.root]
		if r.ID == "" || !hasRoot || !hasParent && !root.lost() {
			t.Errorf("%+v: one of the runs is not there", child)
		}
		if !(run{Status: r.status}).over() {
			t.Errorf("the run %s of %s is %s inside another one", r.ID, r.Component.ID, r.status)
		}
		if r.Step.ID != "" && child.parent == r.Step.WorkflowRunID {
			key := r.Step.WorkflowRunID + r.Step.ID
			if steps[key] {
				t.Errorf("the step %s of run %s has two runs", r.Step.Name, r.Step.WorkflowRunID)
			}
			steps[key] = true
		}
		below[child.parent] = append(below[child.parent], r.Component.ID)
	}
	for id, r := range runs {
		slices.Sort(below[id])
		if r.status == "COMPLETED" && !slices.Equal(below[id], childrenOf[r.Component.ID]) {
			t.Errorf("the completed run %s of %s has run %v", id, r.Component.ID, below[id])
		}
	}
}

// ownEnd is what agents call the event of a run of any component.
func ownEnd(name string) string {
	if _, of, found := strings.Cut(name, "Team"); found {
		return of
	}
	if _, of, found := strings.Cut(name, "Workflow"); found {
		return "Run" + of
	}
	return name
}
