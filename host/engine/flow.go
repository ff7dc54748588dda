package engine

import (
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/expression"
)

// flow is what is compiled of a workflow: the expressions that decide, by the names
// of their steps.
type flow map[string]*expression.Expression

func newFlow(w *host.Workflow) (flow, error) {
	if len(w.Steps) == 0 {
		return nil, errors.New("there are no steps")
	}
	f := flow{}
	return f, f.add(w.Steps, map[string]bool{})
}

// add checks steps and those inside them; names are those used so far.
func (f flow) add(steps []host.Step, names map[string]bool) error {
	for i := range steps {
		s := &steps[i]
		if s.Name == "" || names[s.Name] {
			return fmt.Errorf("the name %q of a step is empty or used twice", s.Name)
		}
		names[s.Name] = true
		if err := f.addStep(s); err != nil {
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

// addStep checks a step by itself and compiles what decides in it.
func (f flow) addStep(s *host.Step) (err error) {
	if err := checkStep(s); err != nil || s.Decide.CEL == "" {
		return err
	}
	f[s.Name], err = expression.Compile(s.Decide.CEL, wanted(s))
	return err
}

// checkStep finds what a step of its kind cannot be without.
func checkStep(s *host.Step) error {
	undecided := s.Decide.Empty()
	switch s.Kind {
	case host.StepComponent, host.StepParallel:
	case host.StepFunction:
		if s.Function == nil {
			return errors.New("there is no function")
		}
	case host.StepLoop:
		if undecided && s.MaxIterations <= 0 {
			return errors.New("the loop has no end")
		}
	case host.StepCondition, host.StepRouter:
		if undecided {
			return errors.New("nothing decides")
		}
	default:
		return fmt.Errorf("the kind %q is unknown", s.Kind)
	}
	return nil
}
