package config

import (
	"maps"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/expression"
)

// Bounds of the steps of a workflow.
const (
	maxSteps     = 200
	maxStepDepth = 8
	maxRetries   = 10
)

// What is chosen where the file says nothing.
const (
	DefaultMaxIterations = 10
	DefaultStepRetries   = 2
)

// stepReader reads the steps of one workflow.
type stepReader struct {
	*loader
	components components
	// count is how many steps there are so far, depth in how many lists the next one
	// is.
	count, depth int
	// lines are those of the names the file gives.
	lines identifiers
	reads []stepRead
}

// stepRead is a step that an expression reads.
type stepRead struct {
	at   *node
	name string
}

func (l *loader) workflowSteps(n *node, known components) []host.Step {
	r := stepReader{loader: l, components: known, lines: identifiers{}}
	before := len(r.problems)
	steps := r.steps(n)
	nameSteps(steps, r.lines)
	if len(r.problems) == before { // else some names are not known
		r.checkReads()
	}
	return steps
}

// checkReads finds expressions that read steps which do not exist.
func (r *stepReader) checkReads() {
	for _, read := range r.reads {
		if _, ok := r.lines[read.name]; !ok {
			r.problem(read.at, "reads %q, which is not one of the steps: %s", read.name, list(slices.Sorted(maps.Keys(r.lines))))
		}
	}
}

func (r *stepReader) steps(n *node) []host.Step {
	items := r.someOf(n)
	if r.depth == maxStepDepth && len(items) > 0 {
		r.problem(n, "steps nest at most %d levels", maxStepDepth)
		return nil
	}
	r.depth++
	defer func() { r.depth-- }()
	var steps []host.Step
	for _, item := range items {
		if r.count++; r.count == maxSteps+1 {
			r.problem(item, "a workflow has at most %d steps", maxSteps)
		}
		if r.count > maxSteps {
			break
		}
		steps = append(steps, r.step(item))
	}
	return steps
}

func (r *stepReader) step(n *node) host.Step {
	s := host.Step{OnError: host.StepFail}
	m := r.mapping(n)
	m.read("name", func(n *node) { s.Name = r.stepName(n) })
	m.read("workflow", func(n *node) { r.problem(n, "a workflow cannot be a step of another") })
	r.work(m, &s)
	m.read("on_error", func(n *node) { s.OnError = oneOf(&r.reader, n, host.StepFail, host.StepSkip, host.StepRetry) })
	if s.OnError == host.StepRetry {
		s.Retries = DefaultStepRetries
	}
	m.read("retries", func(n *node) {
		s.Retries = r.positive(n, maxRetries)
		if s.OnError != host.StepRetry {
			r.problem(n, "is only for on_error: retry")
		}
	})
	m.close()
	return s
}

// work reads what a step does.
func (r *stepReader) work(m *mapping, s *host.Step) {
	if m.get("workflow") == nil {
		m.exactlyOne("agent", "team", "plugin", "parallel", "loop", "condition", "router")
	}
	m.read("agent", func(n *node) { s.Kind, s.Component = host.StepComponent, r.agentNamed(n, r.components) })
	m.read("team", func(n *node) { s.Kind, s.Component = host.StepComponent, r.teamNamed(n, r.components) })
	m.read("plugin", func(*node) { s.Kind, s.Function = host.StepFunction, r.call(m) })
	m.read("parallel", func(n *node) { s.Kind, s.Steps = host.StepParallel, r.steps(n) })
	m.read("loop", func(n *node) { r.loop(n, s) })
	m.read("condition", func(n *node) { r.condition(n, s) })
	m.read("router", func(n *node) { r.router(n, s) })
}

func (r *stepReader) loop(n *node, s *host.Step) {
	s.Kind, s.MaxIterations = host.StepLoop, DefaultMaxIterations
	m := r.mapping(n)
	m.require("steps", func(n *node) { s.Steps = r.steps(n) })
	m.read("until", func(n *node) { s.Decide = r.decision(n, expression.Bool) })
	m.read("max_iterations", func(n *node) { s.MaxIterations = r.positive(n, host.MaxIterations) })
	if n.kind == kindMapping && m.get("until") == nil && m.get("max_iterations") == nil {
		r.problem(n, "has no end: it needs until or max_iterations")
	}
	m.close()
}

func (r *stepReader) condition(n *node, s *host.Step) {
	s.Kind = host.StepCondition
	m := r.mapping(n)
	m.require("if", func(n *node) { s.Decide = r.decision(n, expression.Bool) })
	m.require("then", func(n *node) { s.Steps = r.steps(n) })
	m.read("else", func(n *node) { s.Else = r.steps(n) })
	m.close()
}

func (r *stepReader) router(n *node, s *host.Step) {
	s.Kind = host.StepRouter
	m := r.mapping(n)
	m.require("select", func(n *node) { s.Decide = r.decision(n, expression.Names) })
	m.require("choices", func(n *node) { s.Steps = r.steps(n) })
	m.close()
}

// decision is an expression, or names a function.
func (r *stepReader) decision(n *node, want expression.Kind) host.Decision {
	switch n.kind {
	case kindText:
		return host.Decision{CEL: r.expression(n, want)}
	case kindMapping:
		m := r.mapping(n)
		call := r.call(m)
		m.close()
		return host.Decision{Function: call}
	}
	r.problem(n, "must be an expression as text or a plugin's function, not %s", n.kind)
	return host.Decision{}
}

func (r *stepReader) expression(n *node, want expression.Kind) string {
	before := len(r.problems)
	source := r.text(n)
	if len(r.problems) > before {
		return ""
	}
	compiled, err := expression.Compile(source, want)
	if err != nil {
		r.problem(n, "%s", err)
		return source
	}
	for _, name := range compiled.Steps() {
		r.reads = append(r.reads, stepRead{at: n, name: name})
	}
	return source
}

// call reads which function of which plugin is called.
func (r *stepReader) call(m *mapping) *host.StepCall {
	var call host.StepCall
	m.require("plugin", func(n *node) { call.Plugin = r.pluginName(n) })
	m.require("function", func(n *node) { call.Function = r.functionName(n) })
	m.read("config", func(n *node) { call.Config = r.object(n) })
	return &call
}
