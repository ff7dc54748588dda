package engine

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/expression"
)

// flow is what is compiled of a workflow: the expressions that decide, by the names
// of their steps.
type flow map[string]*expression.Expression

func newFlow(w *host.Workflow) (flow, error) {
	if len(w.Steps) == 0 {
		return nil, fmt.Errorf("there are no steps")
	}
	f := flow{}
	return f, f.add(w.Steps, map[string]bool{})
}

// add compiles the decisions of steps and of those inside them; names are those
// used so far.
func (f flow) add(steps []host.Step, names map[string]bool) error {
	for i := range steps {
		s := &steps[i]
		if s.Name == "" || names[s.Name] {
			return fmt.Errorf("the name %q of a step is empty or used twice", s.Name)
		}
		names[s.Name] = true
		if err := f.addDecision(s); err != nil {
			return fmt.Errorf("step %s: %w", s.Name, err)
		}
		for _, inside := range [][]host.Step{s.Steps, s.Else} {
			if err := f.add(inside, names); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f flow) addDecision(s *host.Step) (err error) {
	if s.Decide.CEL == "" {
		return checkDecision(s)
	}
	kind := expression.Bool
	if s.Kind == host.StepRouter {
		kind = expression.Names
	}
	f[s.Name], err = expression.Compile(s.Decide.CEL, kind)
	return err
}

// checkDecision refuses a step that nothing decides where something must.
func checkDecision(s *host.Step) error {
	if !s.Decide.Empty() {
		return nil
	}
	switch {
	case s.Kind == host.StepCondition, s.Kind == host.StepRouter:
		return fmt.Errorf("nothing decides")
	case s.Kind == host.StepLoop && s.MaxIterations <= 0:
		return fmt.Errorf("the loop has no end")
	}
	return nil
}
