package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/snaphook-dev/snaphook/host"
)

// maxStepName bounds a step's name, in bytes.
const maxStepName = 100

// functionName is that of a plugin's tool.
var functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (r *stepReader) functionName(n *node) string {
	name := r.text(n)
	if n.kind == kindText && !functionName.MatchString(name) {
		r.problem(n, "%q is not a function's name: letters, digits, - and _, at most 64", name)
	}
	return name
}

// stepName is a name the file gives; none is given twice.
func (r *stepReader) stepName(n *node) string {
	name := r.text(n)
	switch first, repeated := r.lines[name]; {
	case n.kind != kindText:
	case name == "" || len(name) > maxStepName || strings.ContainsFunc(name, unicode.IsControl):
		r.problem(n, "must have 1 to %d bytes and no control characters", maxStepName)
	case repeated:
		r.problem(n, "repeats the step's name %s of line %d", name, first)
	default:
		r.lines[name] = n.line
	}
	return name
}

// nameSteps names the steps that have no name, after what they do; taken are the
// names that are given.
func nameSteps(steps []host.Step, taken identifiers) {
	for i := range steps {
		s := &steps[i]
		if s.Name == "" {
			s.Name = free(whatItDoes(s), taken)
		}
		nameSteps(s.Steps, taken)
		nameSteps(s.Else, taken)
	}
}

func whatItDoes(s *host.Step) string {
	switch s.Kind {
	case host.StepComponent:
		return s.Component.ID
	case host.StepFunction:
		return s.Function.Function
	}
	return string(s.Kind)
}

// free is the name, or with the first number that makes it a new one. It is taken
// then.
func free(name string, taken identifiers) string {
	unique := name
	for i := 2; ; i++ {
		if _, is := taken[unique]; !is {
			taken[unique] = 0
			return unique
		}
		unique = fmt.Sprintf("%s-%d", name, i)
	}
}
