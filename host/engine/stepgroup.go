package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/expression"
)

// parallel carries out all steps inside at once; one that fails ends the others.
func (w *walker) parallel(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	output := w.output(s, at)
	w.emitStep(host.EventParallelStarted, s, at, host.StepEvent{Count: len(s.Steps)})
	results := make([]host.StepOutput, len(s.Steps))
	branches, inside := errgroup.WithContext(ctx)
	branches.SetLimit(maxParallelCalls)
	for i := range s.Steps {
		branches.Go(func() (err error) {
			defer w.contain(&err)
			results[i], err = w.step(inside, &s.Steps[i], at.branch(i, output.ID), previous)
			return err
		})
	}
	if err := branches.Wait(); err != nil {
		return output, err
	}
	output.Steps, output.Executor.Name = results, s.Name
	output.Content, output.ContentType = host.TextContent(together(results)), "str"
	w.emitStep(host.EventParallelCompleted, s, at, host.StepEvent{Count: len(s.Steps), Results: results})
	return output, nil
}

// together is what the branches of a parallel came to in one text.
func together(results []host.StepOutput) string {
	var text strings.Builder
	text.WriteString("## Parallel Execution Results")
	for i := range results {
		mark := "✅ SUCCESS"
		if results[i].Error != "" {
			mark = "❌ FAILURE"
		}
		fmt.Fprintf(&text, "\n\n### %s: %s\n%s", mark, results[i].Name, host.Text(results[i].Content))
	}
	return text.String()
}

// condition carries out one of its two lists of steps.
func (w *walker) condition(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	output := w.output(s, at)
	holds, err := w.holds(ctx, s, at, previous)
	if err != nil {
		return output, err
	}
	w.emitStep(host.EventConditionStarted, s, at, host.StepEvent{Holds: holds})
	steps := s.Steps
	if !holds {
		steps = s.Else
	}
	results, content, err := w.sequence(ctx, pointers(steps), at, output.ID, previous)
	if err != nil {
		return output, err
	}
	w.emitStep(host.EventConditionCompleted, s, at, host.StepEvent{Holds: holds, Results: results, Selected: names(results)})
	return w.group(output, s, results, content), nil
}

// router carries out those of its steps that were chosen.
func (w *walker) router(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	output := w.output(s, at)
	var selected []string
	if err := w.decide(ctx, s, at, previous, &selected); err != nil {
		return output, err
	}
	steps, err := chosen(s.Steps, selected)
	if err != nil {
		return output, w.failed(s, err.Error(), nil)
	}
	w.emitStep(host.EventRouterStarted, s, at, host.StepEvent{Selected: selected})
	results, content, err := w.sequence(ctx, steps, at, output.ID, previous)
	if err != nil {
		return output, err
	}
	w.emitStep(host.EventRouterCompleted, s, at, host.StepEvent{Selected: selected, Results: results})
	return w.group(output, s, results, content), nil
}

// group is what a step came to whose content is that of the last one inside.
func (w *walker) group(output host.StepOutput, s *host.Step, results []host.StepOutput, content json.RawMessage) host.StepOutput {
	output.Content, output.ContentType = contentOf(w.input(content))
	output.Steps, output.Executor.Name = results, s.Name
	return output
}

func names(results []host.StepOutput) []string {
	all := make([]string, len(results))
	for i := range results {
		all[i] = results[i].Name
	}
	return all
}

// holds is the decision of a condition or a loop.
func (w *walker) holds(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (holds bool, err error) {
	err = w.decide(ctx, s, at, previous, &holds)
	return holds, err
}

// decide finds out what a step decides, a *bool or the *[]string of a router. It is
// decided once, whichever worker goes on.
func (w *walker) decide(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage, decision any) error {
	key := at.key + "?decided"
	if done := w.done(key); done != nil {
		return json.Unmarshal(done.Decision, decision)
	}
	value, err := w.decision(ctx, s, at, previous)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(value, decision); err != nil || beginsWith(value, "n") { // null decides nothing
		return w.failed(s, "the function did not return "+wanted(s).String(), nil)
	}
	w.note(doneStep{Key: key, Step: s.Name, Decision: value})
	return w.save(ctx)
}

// wanted is what a step decides with.
func wanted(s *host.Step) expression.Kind {
	if s.Kind == host.StepRouter {
		return expression.Names
	}
	return expression.Bool
}

// decision evaluates what decides.
func (w *walker) decision(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (json.RawMessage, error) {
	if s.Decide.Function != nil {
		value, err := w.call(ctx, s, s.Decide.Function, at.key+"?", previous)
		if err == nil && s.Kind == host.StepRouter && beginsWith(value, `"`) {
			value = json.RawMessage("[" + string(value) + "]")
		}
		return value, err
	}
	vars := expression.Vars{
		Input: w.run.Input, Previous: w.input(previous), Steps: w.known(), SessionState: object(w.tree.state.value()),
	}
	var decided any
	var err error
	if wanted(s) == expression.Names {
		decided, err = w.flow[s.Name].Names(ctx, vars)
	} else {
		decided, err = w.flow[s.Name].Bool(ctx, vars)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var refused *host.Error
	if errors.As(err, &refused) {
		return nil, w.failed(s, refused.Message, nil)
	}
	if err != nil {
		return nil, w.failed(s, err.Error(), nil)
	}
	return json.Marshal(decided)
}
