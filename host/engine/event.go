package engine

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// emit sends an event, with the run as it is now, to whoever streams the run, or
// keeps it in the run's journal. Nobody reading is a reason to cancel.
func (x *execution) emit(event host.Event) {
	event.At = x.now()
	switch {
	case x.journal != nil:
		x.note(event)
	case x.req.Events != nil:
		run := x.run
		event.Run = &run
		if err := x.req.Events(event); err != nil {
			x.cancel(fmt.Errorf("stream event: %w", err))
			x.req.Events = nil
			return
		}
	default:
		return
	}
	if event.Kind == host.EventRunContent && x.wantsContent() {
		x.sent = append(x.sent, event.Content)
	}
}

// note keeps an event in the journal, without the input: no hook has permitted
// it when the events of input happen.
func (x *execution) note(event host.Event) {
	if event.Kind == host.EventRunContent && !x.wantsContent() {
		return
	}
	x.journal.add(host.RunEvent{
		Kind: event.Kind, At: event.At, Hook: event.Hook,
		Content: event.Content, ContentType: event.ContentType, Metrics: event.Metrics,
	})
}

// wantsContent reports whether somebody is to get the answer as events.
func (x *execution) wantsContent() bool {
	if x.journal != nil {
		return x.req.Deltas
	}
	return x.req.Events != nil
}

// sendsDeltas reports whether the answer leaves piece by piece.
func (x *execution) sendsDeltas() bool { return x.wantsContent() && !x.holdsBack }

// emitStart tells that the run begins, or goes on.
func (x *execution) emitStart() {
	began := x.journal != nil && x.journal.next > 0
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
	case x.req.Events == nil && x.journal == nil:
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
