package engine

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/snaphook-dev/snaphook/host"
)

// doneStep is what a workflow need not do again: a step that has ended, a decision,
// or a function that has begun.
type doneStep struct {
	Key      string           `json:"key"`
	Output   *host.StepOutput `json:"output,omitempty"`
	Decision json.RawMessage  `json:"decision,omitempty"`
}

// stepPlace is where in a workflow a step is.
type stepPlace struct {
	// key tells the step from all others that are carried out, in whichever attempt.
	key   string
	index []int
	// parent is the id of the step around it, empty at the top.
	parent   string
	parallel bool
	// last is true for the step whose content is the workflow's.
	last bool
}

// inside is the place of step i of the one at p, whose id is parent.
func (p stepPlace) inside(i int, parent string) stepPlace {
	return stepPlace{key: p.key + "." + strconv.Itoa(i), index: []int{i}, parent: parent}
}

// branch is the place of branch i of the parallel at p.
func (p stepPlace) branch(i int, parent string) stepPlace {
	return stepPlace{
		key: p.key + "." + strconv.Itoa(i), index: append(slices.Clone(p.index), i), parent: parent, parallel: true,
	}
}

// again is the place at a later try, or in a later iteration.
func (p stepPlace) again(n int) stepPlace {
	if n > 0 {
		p.key += "#" + strconv.Itoa(n)
	}
	return p
}

// ended keeps a step that will not be carried out again.
func (w *walker) ended(ctx context.Context, s *host.Step, at stepPlace, output *host.StepOutput) error {
	w.remember(s.Name, output)
	w.note(doneStep{Key: at.key, Output: output})
	return w.save(ctx)
}

// remember has the steps that follow see what a step came to.
func (w *walker) remember(name string, output *host.StepOutput) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.contents[name] = output.Content
	rememberInside(w.contents, output.Steps)
}

func rememberInside(contents map[string]json.RawMessage, outputs []host.StepOutput) {
	for i := range outputs {
		contents[outputs[i].Name] = outputs[i].Content
		rememberInside(contents, outputs[i].Steps)
	}
}

// note keeps what need not be done again for the next checkpoint. What is inside a
// step that has ended is not looked for any more.
func (w *walker) note(done doneStep) {
	w.execution.mu.Lock()
	defer w.execution.mu.Unlock()
	if done.Output != nil {
		w.steps = slices.DeleteFunc(w.steps, func(d doneStep) bool { return within(d.Key, done.Key) })
	}
	w.steps = append(w.steps, done)
}

// within reports whether a key is of a step inside the one of key around, or of a
// try of it.
func within(key, around string) bool {
	return len(key) > len(around) && key[:len(around)] == around && (key[len(around)] == '.' || key[len(around)] == '#' || key[len(around)] == '?')
}

// done returns what is known of a key from before, nil for nothing.
func (w *walker) done(key string) *doneStep {
	w.execution.mu.Lock()
	defer w.execution.mu.Unlock()
	for i := range w.steps {
		if w.steps[i].Key == key {
			done := w.steps[i]
			return &done
		}
	}
	return nil
}

// known are the contents of the steps that have ended.
func (w *walker) known() map[string]json.RawMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.contents)
}
