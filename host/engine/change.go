package engine

import (
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// unchanged ends the whole tree where an earlier worker had to leave a run of another
// component in the place of the one that is asked for.
func (x *execution) unchanged(req *childRequest) error {
	from := x.unfinished(req.key)
	if from == nil || from.Run.Component.Scope() == req.subject.component.Scope() {
		return nil
	}
	return x.changed(req.subject.component, from.Run.Component)
}

// changed ends the whole tree, since what is kept of it is of another configuration.
func (x *execution) changed(now, was host.Component) error {
	return x.endTree(fmt.Sprintf("%s was changed meanwhile and has %s where it had %s", x.run.Component.ID, now.ID, was.ID))
}

// unmoved fails where an earlier worker had another step at the place: its
// configuration was not that of this one, and what is kept is of nothing that this
// one carries out.
func (w *walker) unmoved(s *host.Step, at stepPlace) error {
	was := w.stood(at)
	if was == "" || was == s.Name {
		return nil
	}
	return &fault{host.Failure{
		Type: host.FailureStep, ID: s.Name,
		Message: fmt.Sprintf("The run cannot go on: %s was changed meanwhile and has the step %s where it had %s.", w.workflow.ID, s.Name, was),
	}}
}

// stood is the name of the step an earlier worker had at a place, empty for none.
func (w *walker) stood(at stepPlace) string {
	if left := w.unfinished(at.childKey()); left != nil {
		return left.Run.Step.Name
	}
	w.execution.mu.Lock()
	defer w.execution.mu.Unlock()
	for i := range w.steps {
		key := w.steps[i].Key
		if key == at.key || key == at.loopKey() || strings.HasPrefix(key, at.key+"?") {
			return w.steps[i].Step
		}
	}
	return ""
}

// childKey is the key of the run of the component at p.
func (p stepPlace) childKey() string { return "step/" + p.key }
