package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/snaphook-dev/snaphook/host"
)

// doneStep is what a workflow need not do again: a step that has ended, a decision,
// iterations of a loop, or a function that has begun.
type doneStep struct {
	Key string `json:"key"`
	// Step is the name of the step.
	Step     string           `json:"step"`
	Output   *host.StepOutput `json:"output,omitempty"`
	Decision json.RawMessage  `json:"decision,omitempty"`
	Loop     *iterated        `json:"loop,omitempty"`
	// Contents are those of the steps inside that Output has not, by name.
	Contents map[string]json.RawMessage `json:"contents,omitempty"`
}

// stepPlace is where in a workflow a step is.
type stepPlace struct {
	// key tells the step from all others that are carried out, in whichever attempt.
	key   string
	index []int
	// parent is the id of the step around it, empty at the top.
	parent   string
	parallel bool
	// last is true for the step whose content is the workflow's, or may be.
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
	done := doneStep{Key: at.key, Step: s.Name, Output: output, Contents: w.inside(s)}
	shown := map[string]json.RawMessage{}
	rememberInside(shown, output.Steps)
	maps.DeleteFunc(done.Contents, func(name string, _ json.RawMessage) bool { return shown[name] != nil })
	w.note(done)
	return w.save(ctx)
}

// inside are the contents of the steps inside a step, as far as they have ended.
func (w *walker) inside(s *host.Step) map[string]json.RawMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	contents := map[string]json.RawMessage{}
	var add func([]host.Step)
	add = func(steps []host.Step) {
		for i := range steps {
			if content, has := w.contents[steps[i].Name]; has {
				contents[steps[i].Name] = content
			}
			add(steps[i].Steps)
			add(steps[i].Else)
		}
	}
	add(s.Steps)
	add(s.Else)
	return contents
}

// recall has the steps that follow see what was done before another worker went on.
func (w *walker) recall(done *doneStep) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(w.contents, done.Contents)
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
	w.replace(done, func(key string) bool { return done.Output != nil && within(key, done.Key) })
}

// replace keeps what is done in the place of that whose keys are over.
func (w *walker) replace(done doneStep, over func(key string) bool) {
	w.execution.mu.Lock()
	defer w.execution.mu.Unlock()
	w.steps = append(slices.DeleteFunc(w.steps, func(d doneStep) bool { return over(d.Key) }), done)
}

// countStep counts a step that begins. It fails when the workflow has carried out as many
// as it may.
func (w *walker) countStep() error {
	w.execution.mu.Lock()
	defer w.execution.mu.Unlock()
	if w.carriedOut == host.MaxSteps {
		return &fault{host.Failure{
			Type:    host.FailureStep,
			Message: fmt.Sprintf("The workflow has carried out the %d steps that a run may carry out.", host.MaxSteps),
		}}
	}
	w.carriedOut++
	return nil
}

// keeps returns why what a step came to cannot be kept, nil where it can. The steps
// inside were asked for before.
func (w *walker) keeps(s *host.Step, output *host.StepOutput) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := len(output.Content)
	for name, content := range w.contents {
		if name != s.Name {
			size += len(content)
		}
	}
	if size <= host.MaxStepContents {
		return nil
	}
	return &stepFailure{step: s.Name, final: true, message: fmt.Sprintf(
		"the contents of the workflow's steps have %d bytes together; they may have %d", size, host.MaxStepContents)}
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
