package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// component runs the agent or the team of a step on what the step before came to.
func (w *walker) component(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	output := w.output(s, at)
	of, err := w.lookup(s.Component)
	if err != nil {
		return output, err
	}
	req := childRequest{
		key: at.childKey(), subject: of, input: w.input(previous),
		step: &host.RunStep{
			WorkflowID: w.workflow.ID, WorkflowRunID: w.run.ID, ID: output.ID, Name: s.Name, Index: at.index,
		},
	}
	if at.last && w.schema != nil {
		req.schema = w.schema.JSON()
	}
	w.emitStep(host.EventStepStarted, s, at, host.StepEvent{})
	run, err := w.child(ctx, req)
	if err != nil {
		return output, err
	}
	if failure := failureOf(&run); failure != "" {
		return output, w.failed(s, failure, run.Failure)
	}
	metrics := run.Metrics
	output.Executor, output.RunID = run.Component, run.ID
	output.Model, output.ModelProvider, output.Metrics = run.Model, run.ModelProvider, &metrics
	output.Content, output.ContentType = run.Content, run.ContentType
	w.emitStep(host.EventStepCompleted, s, at, host.StepEvent{Output: &output})
	return output, nil
}

// input is what a step works on: what the step before came to, or the workflow's
// input.
func (w *walker) input(previous json.RawMessage) json.RawMessage {
	if previous == nil {
		return w.run.Input
	}
	return previous
}

func (w *walker) failed(s *host.Step, message string, failure *host.Failure) *stepFailure {
	f := &stepFailure{step: s.Name, message: message}
	if failure != nil && failure.Refused {
		f.refused = failure
	}
	return f
}

// function calls the function of a step.
func (w *walker) function(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	output := w.output(s, at)
	output.Executor.ID = s.Function.Plugin + "." + s.Function.Function
	output.Executor.Name = output.Executor.ID
	w.emitStep(host.EventStepStarted, s, at, host.StepEvent{})
	value, err := w.call(ctx, s, s.Function, at.key, previous)
	if err != nil {
		return output, err
	}
	output.Content, output.ContentType = contentOf(value)
	if !at.parallel {
		w.emitStep(host.EventStepOutput, s, at, host.StepEvent{Output: &output})
	}
	w.emitStep(host.EventStepCompleted, s, at, host.StepEvent{Output: &output})
	return output, nil
}

// contentOf makes any JSON a content and names its type.
func contentOf(value json.RawMessage) (json.RawMessage, string) {
	switch {
	case beginsWith(value, "{"):
		return value, "dict"
	case beginsWith(value, `"`):
		return value, "str"
	}
	return host.TextContent(string(value)), "str"
}

// call calls a function of a plugin as a tool of the workflow, and once only unless it
// is idempotent.
func (w *walker) call(
	ctx context.Context, s *host.Step, function *host.StepCall, key string, previous json.RawMessage,
) (json.RawMessage, error) {
	t, err := w.open(ctx, s, function)
	if err != nil {
		return nil, err
	}
	if err := w.beginCall(ctx, s, t, key); err != nil {
		return nil, err
	}
	args, err := w.arguments(t, previous)
	if err != nil {
		return nil, err
	}
	c := &toolCall{execution: w.execution, tool: t, key: "step/" + key, done: host.ToolExecution{
		ToolCall: host.ToolCall{ID: w.childID("call/" + key), Name: function.Function, Args: args}, CreatedAt: w.now(),
	}}
	if err := c.make(ctx); err != nil {
		return nil, err
	}
	if c.denied != nil {
		return nil, w.failed(s, *c.done.Result, c.denied.failure())
	}
	if c.done.Error {
		return nil, w.failed(s, *c.done.Result, nil)
	}
	return c.value, nil
}

// beginCall keeps that a function begins which must not be called twice.
func (w *walker) beginCall(ctx context.Context, s *host.Step, t *tool, key string) error {
	if t.repeatable() {
		return nil
	}
	if w.done(key+"?") != nil {
		return &stepFailure{
			step: s.Name, final: true,
			message: "nobody knows what came of the function: the host was interrupted while it worked",
		}
	}
	w.note(doneStep{Key: key + "?", Step: s.Name})
	return w.save(ctx)
}

// open finds the function.
func (w *walker) open(ctx context.Context, s *host.Step, function *host.StepCall) (*tool, error) {
	tools, err := w.toolbox.Tools(ctx, []host.ToolRef{function.Ref()})
	if unavailable, ok := errors.AsType[*host.Error](err); ok && ctx.Err() == nil {
		return nil, w.failed(s, unavailable.Message, nil)
	}
	if err != nil {
		return nil, toolsUnavailable(ctx, err)
	}
	if len(tools) != 1 {
		return nil, w.failed(s, fmt.Sprintf("plugin %s has no function %s", function.Plugin, function.Function), nil)
	}
	return newTool(tools[0], tools[0].Definition()), nil
}

// arguments are what a function is told, as far as its schema has names for it.
func (w *walker) arguments(t *tool, previous json.RawMessage) (json.RawMessage, error) {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(t.definition.Parameters, &schema); err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", t.definition.Name, err)
	}
	all := map[string]any{
		"input": w.run.Input, "previous": w.input(previous), "steps": w.known(), "session_state": object(w.tree.state.value()),
	}
	for name := range all {
		if _, has := schema.Properties[name]; !has {
			delete(all, name)
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("write arguments of %s: %w", t.definition.Name, err)
	}
	return data, nil
}

// pointers are the addresses of steps.
func pointers(steps []host.Step) []*host.Step {
	all := make([]*host.Step, len(steps))
	for i := range steps {
		all[i] = &steps[i]
	}
	return all
}

// chosen are the steps of those names, in the order of the names. It fails with the
// name that none has.
func chosen(steps []host.Step, names []string) ([]*host.Step, error) {
	selected := make([]*host.Step, len(names))
	for i, name := range names {
		at := slices.IndexFunc(steps, func(s host.Step) bool { return s.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no choice %q", name)
		}
		selected[i] = &steps[at]
	}
	return selected, nil
}
