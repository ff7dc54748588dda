package config

import (
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// maxHistoryRuns bounds how much of a session a model is given.
const maxHistoryRuns = 1000

func (l *loader) agents(n *node, models []string) []host.Agent {
	var agents []host.Agent
	ids := identifiers{}
	for _, item := range l.list(n) {
		var a host.Agent
		m := l.mapping(item)
		l.agent(m, &a, models)
		m.close()
		l.unique(ids, item, a.ID)
		agents = append(agents, a)
	}
	return agents
}

// agent reads the fields that agents and teams share.
func (l *loader) agent(m *mapping, a *host.Agent, models []string) {
	m.require("id", func(n *node) { a.ID = l.componentID(n) })
	a.Name = a.ID
	m.read("name", func(n *node) { a.Name = l.text(n) })
	m.read("description", func(n *node) { a.Description = l.text(n) })
	m.read("role", func(n *node) { a.Role = l.text(n) })
	m.read("instructions", func(n *node) { a.Instructions = l.instructions(n) })
	m.read("markdown", func(n *node) { a.Markdown = l.boolean(n) })
	m.require("model", func(n *node) { a.Model = l.modelName(n, models) })
	m.read("hooks", func(n *node) { a.Hooks = l.bindings(n, component) })
	m.read("require_hooks", func(n *node) { a.RequireHooks = l.boolean(n) })
	m.read("store_refused_input", func(n *node) { a.StoreRefusedInput = l.boolean(n) })
	l.history(m, a)
	m.read("output_schema", func(n *node) { a.OutputSchema = l.schema(n) })
	m.read("session_concurrency", func(n *node) { a.ParallelSessions = l.parallelSessions(n) })
	m.read("tools", func(n *node) { a.Tools = l.tools(n) })
	m.read("tool_call_limit", func(n *node) { a.ToolCallLimit = l.positive(n, maxToolCallLimit) })
}

func (l *loader) instructions(n *node) []string {
	if n.kind == kindList {
		return l.texts(n)
	}
	if n.kind != kindText {
		l.problem(n, "must be text or a list of texts, not %s", n.kind)
		return nil
	}
	return []string{l.text(n)}
}

func (l *loader) modelName(n *node, models []string) string {
	name := l.text(n)
	if n.kind == kindText && !slices.Contains(models, name) {
		l.problem(n, "%q is not one of the models: %s", name, list(models))
	}
	return name
}

func (l *loader) history(m *mapping, a *host.Agent) {
	a.HistoryRuns = DefaultHistoryRuns
	m.read("num_history_runs", func(n *node) { a.HistoryRuns = l.integer(n, maxHistoryRuns) })
	m.read("add_history_to_context", func(n *node) { a.HistoryOnRequest = !l.boolean(n) })
}

func (l *loader) parallelSessions(n *node) bool {
	return oneOf(&l.reader, n, "serial", "parallel") == "parallel"
}
