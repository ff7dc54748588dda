package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
)

// stepFailure is why a step, or what is inside it, has not succeeded.
type stepFailure struct {
	step    string
	message string
	// refused is how a hook's deny is worded, nil for other failures.
	refused *host.Failure
	// final is true where another try could do again what was done.
	final bool
}

func (f *stepFailure) Error() string { return fmt.Sprintf("step %s: %s", f.step, f.message) }

// walker goes through the steps of a workflow.
type walker struct {
	*execution
	mu sync.Mutex
	// contents are those of the steps that have ended, by name.
	contents map[string]json.RawMessage
}

// walk carries out the steps of a workflow and returns the content of the last one.
func (x *execution) walk(ctx context.Context) (json.RawMessage, error) {
	w := &walker{execution: x, contents: map[string]json.RawMessage{}}
	content, err := w.top(ctx)
	if failed, ok := errors.AsType[*stepFailure](err); ok {
		return nil, failed.fault()
	}
	if err != nil || x.schema == nil {
		return content, err
	}
	object, problems := x.parse(content)
	if problems != nil {
		return nil, misfit("The last step's answer", problems)
	}
	return object, nil
}

// fault is the end of a workflow whose step failed.
func (f *stepFailure) fault() error {
	if f.refused != nil {
		return &fault{*f.refused}
	}
	return &fault{host.Failure{
		Type: host.FailureStep, ID: f.step, Message: fmt.Sprintf("The step %s failed: %s", f.step, f.message),
	}}
}

// top carries out the steps of the workflow itself and keeps what each came to.
func (w *walker) top(ctx context.Context) (json.RawMessage, error) {
	var previous json.RawMessage
	for i := range w.workflow.Steps {
		at := stepPlace{key: strconv.Itoa(i), index: []int{i}, last: i == len(w.workflow.Steps)-1}
		output, err := w.step(ctx, &w.workflow.Steps[i], at, previous)
		if err != nil {
			return nil, err
		}
		w.keepOutput(output)
		previous = after(previous, &output)
	}
	if previous == nil { // every step was skipped
		previous = host.TextContent("")
	}
	return previous, nil
}

func (w *walker) keepOutput(output host.StepOutput) {
	w.execution.mu.Lock()
	defer w.execution.mu.Unlock()
	w.run.Steps = append(w.run.Steps, output)
}

// sequence carries out steps one after the other and returns what they came to.
func (w *walker) sequence(
	ctx context.Context, steps []*host.Step, at stepPlace, id string, previous json.RawMessage,
) ([]host.StepOutput, json.RawMessage, error) {
	outputs := make([]host.StepOutput, 0, len(steps))
	for i, s := range steps {
		place := at.inside(i, id)
		place.last = at.last && i == len(steps)-1
		output, err := w.step(ctx, s, place, previous)
		if err != nil {
			return outputs, nil, err
		}
		outputs = append(outputs, output)
		previous = after(previous, &output)
	}
	return outputs, previous, nil
}

// after is the content the next step is given: a step that was skipped leaves that
// of the one before.
func after(previous json.RawMessage, output *host.StepOutput) json.RawMessage {
	if output.Error != "" {
		return previous
	}
	return output.Content
}

// step carries out one step as its on_error says.
func (w *walker) step(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	if done := w.done(at.key); done != nil && done.Output != nil && done.Step == s.Name {
		w.recall(done)
		w.remember(s.Name, done.Output)
		return *done.Output, nil
	}
	for try := 0; ; try++ {
		output, err := w.once(ctx, s, at.again(try), previous)
		failed, ok := errors.AsType[*stepFailure](err)
		if !ok {
			if err == nil {
				err = w.ended(ctx, s, at, &output)
			}
			return output, err
		}
		if ctx.Err() != nil {
			return output, context.Cause(ctx)
		}
		w.emitStep(host.EventStepError, s, at, host.StepEvent{Error: failed.message})
		switch {
		case failed.refused != nil:
			return output, err
		case s.OnError == host.StepRetry && try < s.Retries && !failed.final:
		case s.OnError == host.StepSkip:
			output = w.skipped(s, at, failed)
			return output, w.ended(ctx, s, at, &output)
		default:
			return output, err
		}
	}
}

// once carries out one try of a step.
func (w *walker) once(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	if ctx.Err() != nil {
		return host.StepOutput{}, context.Cause(ctx)
	}
	if err := w.unmoved(s, at); err != nil {
		return host.StepOutput{}, err
	}
	if err := w.countStep(); err != nil {
		return host.StepOutput{}, err
	}
	output, err := w.carryOut(ctx, s, at, previous)
	if err != nil {
		return output, err
	}
	return output, w.keeps(s, &output)
}

// carryOut does what the kind of a step says.
func (w *walker) carryOut(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	switch s.Kind {
	case host.StepComponent:
		return w.component(ctx, s, at, previous)
	case host.StepFunction:
		return w.function(ctx, s, at, previous)
	case host.StepParallel:
		return w.parallel(ctx, s, at, previous)
	case host.StepLoop:
		return w.loop(ctx, s, at, previous)
	case host.StepCondition:
		return w.condition(ctx, s, at, previous)
	case host.StepRouter:
		return w.router(ctx, s, at, previous)
	}
	return host.StepOutput{}, fmt.Errorf("step %s: unknown kind %q", s.Name, s.Kind)
}

// stepID is the id of a step, the same in whichever attempt.
func (w *walker) stepID(at stepPlace) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(w.run.ID+"/id of step/"+at.key)).String()
}

// output is what a step came to, without what that is.
func (w *walker) output(s *host.Step, at stepPlace) host.StepOutput {
	return host.StepOutput{ID: w.stepID(at), Name: s.Name, Kind: s.Kind}
}

// skipped is what a step came to that failed and is passed over.
func (w *walker) skipped(s *host.Step, at stepPlace, failed *stepFailure) host.StepOutput {
	output := w.output(s, at)
	output.Error, output.ContentType = failed.message, "str"
	output.Content = host.TextContent("Step skipped due to error: " + failed.message)
	return output
}

// emitStep sends an event of a step.
func (w *walker) emitStep(kind host.EventKind, s *host.Step, at stepPlace, event host.StepEvent) {
	event.ID, event.ParentID, event.Name, event.Index = w.stepID(at), at.parent, s.Name, at.index
	w.emit(host.Event{Kind: kind, Step: &event})
}
