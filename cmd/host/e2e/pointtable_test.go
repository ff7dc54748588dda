package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestPointTable shows each point with a hook that allows, denies, transforms, traps,
// never ends or answers nonsense, bound to an agent with a tool, to a team whose
// member has one, to that member, to a workflow of an agent and a function, and to
// that agent. testdata/points.txt has what the caller gets, what the models were
// asked, how often the tools worked, what the hooks came to, and what is stored.
func TestPointTable(t *testing.T) {
	t.Parallel()
	table := newPointTable(t)
	lines := make([]string, len(table.cells))
	t.Run("cells", func(t *testing.T) {
		for i, c := range table.cells {
			t.Run(c.id(), func(t *testing.T) {
				t.Parallel()
				lines[i] = table.line(t, c)
			})
		}
	})
	mustBeGolden(t, "points.txt", strings.Join(lines, "\n")+"\n")
	table.process.stop(t)
	table.checkNothingWithheldIsStored(t)
}

// mustBeGolden compares with a file of testdata.
func mustBeGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// pointTable is a host with the components of all cells.
type pointTable struct {
	cells    []pointCell
	model    *caller
	workshop *receiver
	site     *site
	process  *process
}

func newPointTable(t *testing.T) *pointTable {
	t.Helper()
	table := &pointTable{cells: pointCells(), model: newCaller(t), workshop: newWorkshop(t)}
	url := table.workshop.url()
	tools := newToolPlugin(t, "tools", permitHTTP(url),
		function{"work", []string{takes("text")}, guesttest.Forwards(url)},
		function{"save", []string{takes("previous")}, guesttest.Forwards(url)})
	table.site = newSite(t, table.config())
	table.site.put(t, tools)
	table.site.put(t, newPointPlugin(t))
	table.process = table.site.start(t)
	return table
}

// newPointPlugin has three hooks for each point: one answers what its binding
// says, one traps, one never ends.
func newPointPlugin(t *testing.T) plugin {
	t.Helper()
	var hooks []hook
	for _, point := range pluginapi.Points() {
		p := string(point)
		hooks = append(hooks,
			hook{name: p + "_answers", point: p, does: guesttest.AnswersConfig("verdict")},
			hook{name: p + "_traps", point: p, does: guesttest.Traps()},
			hook{name: p + "_loops", point: p, fields: []string{"timeout: 300ms"}, does: guesttest.Loops()})
	}
	return newPlugin(t, "points", "", hooks...)
}

// config has every cell's components, with its hook in its place.
func (table *pointTable) config() config {
	c := config{model: openai(table.model.BaseURL()), agents: []string{}}
	teams, workflows := "teams:\n", "workflows:\n"
	for _, cell := range table.cells {
		bound := func(place string) string {
			if place == cell.place {
				return cell.hooks()
			}
			return "[]"
		}
		agent := func(id, place string) string {
			return fmt.Sprintf("{id: %s, model: default, instructions: %q, tools: [{plugin: tools, functions: [work]}], hooks: %s}",
				id, "Cell "+cell.id()+".", bound(place))
		}
		id := cell.id()
		switch cell.place {
		case "agent":
			c.agents = append(c.agents, agent(id, "agent"))
		case "team", "member":
			c.agents = append(c.agents, agent(id+"-member", "member"))
			teams += fmt.Sprintf("  - {id: %s, model: default, instructions: %q, members: [%s-member], hooks: %s}\n",
				id, "Cell "+id+".", id, bound("team"))
		case "workflow", "step":
			c.agents = append(c.agents, agent(id+"-step", "step"))
			workflows += fmt.Sprintf("  - {id: %s, steps: [{agent: %s-step}, {plugin: tools, function: save}], hooks: %s}\n",
				id, id, bound("workflow"))
		}
	}
	c.more = teams + workflows + "plugins: {dir: plugins, grants: {tools: [http]}}\n"
	return c
}

// line runs a cell and says what came of it; @ stands for the cell.
func (table *pointTable) line(t *testing.T, c pointCell) string {
	session := "session-" + c.id()
	got := table.process.run(t, c.component(), form{"message": "ask " + c.id(), "session_id": session})
	line := fmt.Sprintf("%-8s %-15s %-9s | %s %q", c.place, c.point, c.does, got.Status, got.Content)
	if got.ErrorType != "" {
		line += fmt.Sprintf(" %s %s", got.ErrorType, got.ErrorID)
	}
	line += " | model: " + strings.Join(table.model.asked(c.id()), ", ")
	line += " | tools: " + strings.Join(table.worked(t, c), ", ")
	line += " | hooks: " + strings.Join(table.hookLines(t, got), ", ")
	line += " | stored: " + strings.Join(table.stored(t, got), ", ")
	table.checkStream(t, c, got)
	return strings.ReplaceAll(line, c.id(), "@")
}

// checkStream: the stream of the same in the background ends as the run did, and shows
// nothing that was withheld.
func (table *pointTable) checkStream(t *testing.T, c pointCell, same run) {
	t.Helper()
	events := table.process.follow(t, c.component(), form{"message": "ask " + c.id(), "session_id": "stream-" + c.id()}).rest(t)
	last := events[len(events)-1]
	if said := cmp.Or(last.text(), last.Error); endStatus(last.Name) != same.Status || said != string(same.Content) {
		t.Errorf("the run is %s with %q, and the stream ends with %s %q", same.Status, same.Content, last.Name, said)
	}
	if c.point == pluginapi.PointAgentStartup || c.point == pluginapi.PointInput {
		return // the client hears its own question
	}
	for _, e := range events {
		if text := c.withheld(); text != "" && strings.Contains(e.raw, text) {
			t.Errorf("the stream shows %q: %s", text, e.raw)
		}
	}
}

// worked are the tools that did something for a cell.
func (table *pointTable) worked(t *testing.T, c pointCell) []string {
	t.Helper()
	var worked []string
	for _, r := range table.workshop.requests() {
		if in := readToolInput(t, r.body); in.SessionID == "session-"+c.id() {
			worked = append(worked, in.Tool+" "+string(in.Arguments))
		}
	}
	return worked
}

// hookLines are the hook results of a run and of those inside it.
func (table *pointTable) hookLines(t *testing.T, r run) []string {
	t.Helper()
	var lines []string
	for _, id := range append([]string{r.RunID}, table.site.database(t).texts(t, fmt.Sprintf(
		`SELECT run_id FROM run_children WHERE root_id = '%s' ORDER BY seq`, r.RunID))...) {
		for _, call := range table.process.hooks(t, id) {
			lines = append(lines, strings.TrimPrefix(call.summary(), "points."))
		}
	}
	return lines
}

// stored is the run as it is read afterwards, when it differs from the answer, and
// what it has kept of the conversation.
func (table *pointTable) stored(t *testing.T, r run) []string {
	t.Helper()
	after := table.process.read(t, r)
	lines := []string{"asked " + after.Input.Content}
	if after.Status != r.Status || after.Content != r.Content {
		t.Errorf("run %s was answered %s %q and is read as %s %q", r.RunID, r.Status, r.Content, after.Status, after.Content)
	}
	for _, part := range slices.Concat([]run{after}, after.Members, after.Steps) {
		for _, m := range part.Messages {
			if m.Role != "system" && m.Role != "user" && m.Content != "" {
				lines = append(lines, fmt.Sprintf("%s: %s", m.Role, m.Content))
			}
		}
	}
	return lines
}

// readToolInput reads what a tool has posted.
func readToolInput(t testing.TB, body []byte) pluginapi.ToolInput {
	t.Helper()
	var in pluginapi.ToolInput
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatalf("not the input of a tool: %v: %s", err, body)
	}
	return in
}

// checkNothingWithheldIsStored: what a hook has denied or changed is nowhere in the
// files.
func (table *pointTable) checkNothingWithheldIsStored(t *testing.T) {
	t.Helper()
	files := table.site.files(t)
	for _, c := range table.cells {
		text := c.withheld()
		for name, data := range files {
			if text != "" && bytes.Contains(data, []byte(text)) {
				t.Errorf("%s: %s has %q", c.id(), name, text)
			}
		}
	}
}
