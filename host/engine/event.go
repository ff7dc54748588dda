package engine

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// emit sends an event, with the run as it is now, to whoever streams the tree, or
// keeps it in the tree's journal. Nobody reading is a reason to cancel.
func (x *execution) emit(event host.Event) {
	if x.covered && withheld(&event) || x.workflow != nil && unknownOfWorkflows(&event) {
		return
	}
	if event.Step != nil && (x.judged || x.covered) {
		event.Step = hideOutputs(event.Step)
	}
	event.At = x.now()
	x.tree.stream.Lock()
	defer x.tree.stream.Unlock()
	switch {
	case x.tree.journal != nil:
		x.note(event)
	case x.tree.events != nil:
		run := x.snapshotRun()
		if x.covered || x.judged && !endsRun(event.Kind) {
			hideAnswer(&run)
		}
		if x.judgesMembers && !endsRun(event.Kind) {
			run.Children = nil
		}
		event.Run = &run
		if err := x.tree.events(event); err != nil {
			x.tree.root.cancel(fmt.Errorf("stream event: %w", err))
			x.tree.events = nil
			return
		}
	default:
		return
	}
	if event.Kind == host.EventRunContent && x.wanted() {
		x.sent = append(x.sent, event.Content)
	}
}

// snapshotRun is a copy of the run as it is now, to be shown to others.
func (x *execution) snapshotRun() host.Run {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.run
}

// withheld reports whether an event is all about an answer that the hooks of a run
// around this one have yet to judge.
func withheld(event *host.Event) bool {
	return event.Kind == host.EventRunContent || event.Kind == host.EventRunContentCompleted
}

// unknownOfWorkflows reports whether clients know no such event of a workflow.
func unknownOfWorkflows(event *host.Event) bool { return withheld(event) || event.Tool != nil }

// hideOutputs is a step event without what the steps came to.
func hideOutputs(step *host.StepEvent) *host.StepEvent {
	hidden := *step
	hidden.Results, hidden.Iterations = nil, nil
	if step.Output != nil {
		output := hideOutput(*step.Output)
		hidden.Output = &output
	}
	return &hidden
}

func hideOutput(output host.StepOutput) host.StepOutput {
	output.Content, output.ContentType, output.Steps = host.TextContent(""), "str", nil
	return output
}

// hideAnswer takes away what a run answered, and what led to it.
func hideAnswer(run *host.Run) {
	if run.Status == host.RunCompleted || run.Status == host.RunCancelled {
		run.Content, run.ContentType = host.TextContent(""), "str"
	}
	run.Messages, run.Tools, run.Steps, run.Children = nil, nil, nil, nil
}

// note keeps an event in the journal, without the input: no hook has permitted
// it when the events of input happen.
func (x *execution) note(event host.Event) {
	if event.Kind == host.EventRunContent && !x.wanted() {
		return
	}
	stored := host.RunEvent{
		Kind: event.Kind, At: event.At, Hook: event.Hook,
		Content: event.Content, ContentType: event.ContentType, Metrics: event.Metrics,
		Tool: event.Tool, Step: event.Step,
	}
	if x.inside() {
		stored.Run = &host.EventRun{
			ID: x.run.ID, ParentID: x.run.ParentID, Component: x.run.Component,
			Model: x.run.Model, ModelProvider: x.run.ModelProvider, Step: x.run.Step, Covered: x.covered,
		}
	}
	x.tree.journal.add(stored)
}

// wanted reports whether somebody is to get the answer as events; tree.stream is
// held.
func (x *execution) wanted() bool {
	if x.tree.journal != nil {
		return x.req.Deltas
	}
	return x.tree.events != nil
}

// sendsDeltas reports whether the answer leaves piece by piece.
func (x *execution) sendsDeltas() bool {
	if x.holdsBack || x.covered {
		return false
	}
	x.tree.stream.Lock()
	defer x.tree.stream.Unlock()
	return x.wanted()
}

// emitStart tells that the run begins, or goes on.
func (x *execution) emitStart() {
	began := x.from != nil
	if !x.inside() {
		began = x.tree.journal != nil && x.tree.journal.resumed
	}
	if !began {
		x.emit(host.Event{Kind: host.EventRunStarted})
	}
	if began || x.from != nil {
		x.emit(host.Event{Kind: host.EventRunContinued})
	}
}

// emitEnd sends what ends the stream of a run.
func (x *execution) emitEnd() {
	if x.run.Status == host.RunCancelled {
		x.emit(host.Event{Kind: host.EventRunCancelled})
	}
	x.emit(host.Event{Kind: lastEvent(x.run.Status)})
}

// hookEvents tell a streaming client of the blocking hooks around the run.
func (x *execution) hookEvents(p pluginapi.Point) (started, completed func(*hook.Hook, *pluginapi.Context)) {
	switch {
	case x.workflow != nil, !x.tree.streams(): // clients know no hooks of workflows
		return nil, nil
	case p == pluginapi.PointInput:
		return x.hookEvent(host.EventPreHookStarted), x.hookEvent(host.EventPreHookCompleted)
	case p == pluginapi.PointOutput:
		return x.hookEvent(host.EventPostHookStarted), x.hookEvent(host.EventPostHookCompleted)
	}
	return nil, nil
}

func (x *execution) hookEvent(kind host.EventKind) func(*hook.Hook, *pluginapi.Context) {
	return func(h *hook.Hook, c *pluginapi.Context) {
		event := host.Event{Kind: kind, Hook: h.FullName()}
		if c.Input != nil {
			event.Input = c.Input.Content
		}
		x.emit(event)
	}
}

// lastEvent is the event that ends the stream of a run. A cancelled one is
// completed too, after RunCancelled.
func lastEvent(s host.RunStatus) host.EventKind {
	if s == host.RunError {
		return host.EventRunError
	}
	return host.EventRunCompleted
}

// endsRun reports whether a stream tells of the run's end with that event.
func endsRun(kind host.EventKind) bool {
	return kind == host.EventRunCompleted || kind == host.EventRunError || kind == host.EventRunCancelled
}
