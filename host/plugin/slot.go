package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// slotGroup is the slots of calls in runs of one depth. A call that waits for a
// run holds its slot: in that run are deeper calls, which must not wait for it.
// Tools have slots of their own, for they may take long, and hooks must not wait
// for them.
type slotGroup struct {
	blocking   *slots
	background *slots
	tools      *slots
}

func newSlotGroup(c Config, stopped chan struct{}) slotGroup {
	return slotGroup{
		blocking:   newSlots(c.BlockingSlots, c.SlotWait, stopped),
		background: newSlots(c.BackgroundSlots, c.SlotWait, stopped),
		tools:      newSlots(c.ToolSlots, 0, stopped),
	}
}

func (g slotGroup) drain(ctx context.Context) error {
	return errors.Join(g.blocking.drain(ctx), g.background.drain(ctx), g.tools.drain(ctx))
}

func (r *Registry) slotsOf(call host.Call) (*slots, error) {
	switch {
	case call.Depth < 0 || call.Depth > host.MaxDepth:
		return nil, &host.CallError{
			Code: host.CallUnavailable, Message: fmt.Sprintf("no call is made in a run of depth %d", call.Depth),
		}
	case call.Tool:
		return r.slots[call.Depth].tools, nil
	case call.Mode == pluginapi.ModeBackground:
		return r.slots[call.Depth].background, nil
	}
	return r.slots[call.Depth].blocking, nil
}

// slots bound how many calls run at once.
type slots struct {
	taken chan struct{}
	// wait bounds how long a call waits; 0 for as long as its caller does.
	wait    time.Duration
	stopped chan struct{}
}

func newSlots(n int, wait time.Duration, stopped chan struct{}) *slots {
	return &slots{taken: make(chan struct{}, n), wait: wait, stopped: stopped}
}

// take waits for a slot. Each slot taken must be given back. Its errors are
// *host.CallError.
func (s *slots) take(ctx context.Context) error {
	var late <-chan time.Time
	if s.wait > 0 {
		timer := time.NewTimer(s.wait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case s.taken <- struct{}{}:
		return s.keep()
	case <-s.stopped:
		return errStopped()
	case <-late:
		return &host.CallError{
			Code: host.CallUnavailable, Message: fmt.Sprintf("no slot was free within %s", s.wait),
		}
	case <-ctx.Done():
		return contextError(ctx)
	}
}

// keep gives a slot back that was taken after the stop: drain must find all
// slots that are kept.
func (s *slots) keep() error {
	select {
	case <-s.stopped:
		s.giveBack()
		return errStopped()
	default:
		return nil
	}
}

func (s *slots) giveBack() { <-s.taken }

// drain waits until no call runs. It is for one caller at a time, after the
// stop: no call begins any more.
func (s *slots) drain(ctx context.Context) error {
	for range cap(s.taken) {
		select {
		case s.taken <- struct{}{}:
			defer s.giveBack()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func errStopped() error {
	return &host.CallError{Code: host.CallUnavailable, Message: "the host is stopping"}
}

// contextError says why a call that had not begun will not.
func contextError(ctx context.Context) *host.CallError {
	e := &host.CallError{Code: host.CallCancelled, Message: "the caller went away", Err: ctx.Err()}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		e.Code, e.Message = host.CallTimeout, "the deadline passed before the call began"
	}
	return e
}
