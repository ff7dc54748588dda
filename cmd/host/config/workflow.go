package config

import (
	"github.com/snaphook-dev/snaphook/host"
)

// workflows reads them; known are the components their steps can run.
func (l *loader) workflows(n *node, known components) []host.Workflow {
	var workflows []host.Workflow
	ids := identifiers{}
	for _, item := range l.list(n) {
		w := l.workflow(item, known)
		l.unique(ids, item, w.ID)
		workflows = append(workflows, w)
	}
	return workflows
}

func (l *loader) workflow(n *node, known components) host.Workflow {
	var w host.Workflow
	m := l.mapping(n)
	m.require("id", func(n *node) { w.ID = l.componentID(n) })
	w.Name = w.ID
	m.read("name", func(n *node) { w.Name = l.text(n) })
	m.read("description", func(n *node) { w.Description = l.text(n) })
	m.require("steps", func(n *node) { w.Steps = l.workflowSteps(n, known) })
	m.read("hooks", func(n *node) { w.Hooks = l.bindings(n, component) })
	m.read("require_hooks", func(n *node) { w.RequireHooks = l.boolean(n) })
	m.read("store_refused_input", func(n *node) { w.StoreRefusedInput = l.boolean(n) })
	m.read("output_schema", func(n *node) { w.OutputSchema = l.schema(n) })
	m.read("session_concurrency", func(n *node) { w.ParallelSessions = l.parallelSessions(n) })
	m.close()
	return w
}
