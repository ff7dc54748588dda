package engine

import (
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// unchanged fails where an earlier worker had another step at the place: its
// configuration was not that of this one, and what is kept is of nothing that this
// one carries out.
func (w *walker) unchanged(s *host.Step, at stepPlace) error {
	name, component := w.stood(at)
	if name == "" || name == s.Name && (component == nil || *component == s.Component) {
		return nil
	}
	return &fault{host.Failure{
		Type: host.FailureStep, ID: s.Name,
		Message: fmt.Sprintf("The workflow was changed while the run went on: where the step %s is, another one was carried out.", s.Name),
	}}
}

// stood is the step an earlier worker had at a place: its name, empty for none, and of
// one that had to be left the component.
func (w *walker) stood(at stepPlace) (name string, component *host.BindingScope) {
	if left := w.unfinished(at.childKey()); left != nil {
		of := left.Run.Component.Scope()
		return left.Run.Step.Name, &of
	}
	w.execution.mu.Lock()
	defer w.execution.mu.Unlock()
	for i := range w.steps {
		rest, of := strings.CutPrefix(w.steps[i].Key, at.key)
		if of && (rest == "" || rest[0] == '?' || at.key+rest == at.loopKey()) {
			return w.steps[i].Step, nil
		}
	}
	return "", nil
}

// childKey is the key of the run of the component at p.
func (p stepPlace) childKey() string { return "step/" + p.key }
