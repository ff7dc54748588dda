package engine

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// emit sends an event, with the run as it is now, to whoever streams the run.
// Nobody reading is a reason to cancel.
func (x *execution) emit(event host.Event) {
	if x.req.Events == nil {
		return
	}
	run := x.run
	event.At, event.Run = x.now(), &run
	if err := x.req.Events(event); err != nil {
		x.cancel(fmt.Errorf("stream event: %w", err))
		x.req.Events = nil
	}
}

// hookEvents tell a streaming client of the blocking hooks around the run.
func (x *execution) hookEvents(p pluginapi.Point) (started, completed func(*hook.Hook, *pluginapi.Context)) {
	switch {
	case x.req.Events == nil:
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

// lastEvent is the event that ends the stream of a run.
func lastEvent(s host.RunStatus) host.EventKind {
	switch s {
	case host.RunCompleted:
		return host.EventRunCompleted
	case host.RunCancelled:
		return host.EventRunCancelled
	}
	return host.EventRunError
}
