package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// checkpoint is what another worker needs, beside the run's row, to go on with a
// run whose input was permitted.
type checkpoint struct {
	Sequence  int64     `json:"sequence"`
	StartedAt time.Time `json:"started_at"`
	Turn      int       `json:"turn"`
	// Request is what was asked, without the input and the state: those are as the
	// hooks left them.
	Request host.RunRequest `json:"request"`
	// StateBefore is the session's state as the run found it, State as it is now.
	StateBefore json.RawMessage `json:"state_before,omitempty"`
	State       json.RawMessage `json:"state,omitempty"`
	Passed      []passed        `json:"passed,omitempty"`
}

// passed is an emission as a checkpoint keeps it.
type passed struct {
	Point      pluginapi.Point `json:"point"`
	Sequence   int64           `json:"sequence"`
	Permitted  bool            `json:"permitted"`
	Calls      []passedCall    `json:"calls,omitempty"`
	Background []*hook.Hook    `json:"background,omitempty"`
	// Context is for the background hooks.
	Context *pluginapi.Context `json:"context,omitempty"`
}

// passedCall is a record with the place that its own JSON leaves out.
type passedCall struct {
	host.HookCall
	Position int `json:"position"`
}

// save stores a checkpoint of a background run: from here another worker goes
// on, and what was asked is forgotten.
func (x *execution) save(ctx context.Context) error {
	if x.journal == nil {
		return nil
	}
	state, err := x.checkpoint()
	if err != nil {
		return err
	}
	err = x.store.SaveCheckpoint(ctx, host.Checkpoint{Run: x.run, State: state})
	switch {
	case errors.Is(err, host.ErrCancelled):
		return errCancelled
	case err != nil:
		return &storeError{"save checkpoint", err}
	}
	return nil
}

func (x *execution) checkpoint() (json.RawMessage, error) {
	c := checkpoint{
		Sequence: x.sequence, StartedAt: x.startedAt, Turn: x.turn, Request: x.req,
		StateBefore: x.session.State, State: x.state.value(), Passed: make([]passed, len(x.emitted)),
	}
	c.Request.Input, c.Request.SessionState = nil, nil
	for i := range x.emitted {
		c.Passed[i] = x.emitted[i].pack()
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&c); err != nil {
		return nil, fmt.Errorf("write checkpoint: %w", err)
	}
	return buf.Bytes(), nil
}

func (e *emitted) pack() passed {
	p := passed{
		Point: e.occasion.Point, Sequence: e.occasion.Sequence,
		Permitted: e.permitted, Background: e.background,
	}
	if len(e.background) > 0 {
		p.Context = &e.context
	}
	for _, call := range e.calls {
		p.Calls = append(p.Calls, passedCall{call, call.Position})
	}
	return p
}

// resume puts the run where the checkpoint left it.
func (x *execution) resume(from *checkpoint) {
	x.from, x.opened, x.inputPermitted = from, true, true
	x.sequence, x.startedAt = from.Sequence, from.StartedAt
	for i := range from.Passed {
		p := &from.Passed[i]
		e := emitted{occasion: x.occasion(p.Point, p.Sequence), background: p.Background, permitted: p.Permitted}
		if p.Context != nil {
			e.context = *p.Context
		}
		for _, call := range p.Calls {
			call.HookCall.Position = call.Position
			e.calls = append(e.calls, call.HookCall)
		}
		x.emitted = append(x.emitted, e)
	}
}
