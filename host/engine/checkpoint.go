package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// checkpoint is what another worker needs to go on with a run whose input was
// permitted.
type checkpoint struct {
	// Sequence, Seed, StateBefore and State are those of the tree, kept with its root.
	Sequence  int64     `json:"sequence,omitempty"`
	Seed      string    `json:"seed,omitempty"`
	StartedAt time.Time `json:"started_at"`
	Turn      int       `json:"turn"`
	// Run is that of a child; a root has a row.
	Run *host.Run `json:"run,omitempty"`
	// Request is what was asked, without the input and the state: those are as the
	// hooks left them.
	Request host.RunRequest `json:"request"`
	// StateBefore is the session's state as the run found it, State as it is now.
	StateBefore json.RawMessage `json:"state_before,omitempty"`
	State       json.RawMessage `json:"state,omitempty"`
	Passed      []passed        `json:"passed,omitempty"`
	// Messages, Tools and Requests are the conversation with the model so far; what
	// tools answered is in Tools alone.
	Messages []host.Message       `json:"messages,omitempty"`
	Tools    []host.ToolExecution `json:"tools,omitempty"`
	Requests int                  `json:"requests,omitempty"`
	// Direct is what members answered in the place of their leader.
	Direct json.RawMessage `json:"direct,omitempty"`
	// Steps are those of a workflow that have ended; CarriedOut counts all of them.
	Steps      []doneStep `json:"steps,omitempty"`
	CarriedOut int        `json:"carried_out,omitempty"`
	// Children are the runs inside this one that have not ended, by their keys; never
	// nil once the checkpoint was taken.
	Children map[string]*checkpoint `json:"children"`
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
	if x.tree.journal == nil {
		return nil
	}
	x.freeze()
	return x.tree.store(ctx)
}

// freeze has the checkpoint of the tree hold the run as it is now. Whoever has runs
// inside was held before them.
func (x *execution) freeze() {
	x.tree.mu.Lock()
	defer x.tree.mu.Unlock()
	now := x.checkpoint()
	if x.saved != nil {
		now.Children = x.saved.Children
	} else {
		now.Children = map[string]*checkpoint{}
	}
	x.saved = now
	if x.inside() {
		x.parent.saved.Children[x.key] = now
	}
}

// saveRoot saves what follows the input of a background run. Runs inside one begin
// again where they have done nothing that must not be repeated.
func (x *execution) saveRoot(ctx context.Context) error {
	if x.inside() {
		return nil
	}
	return x.save(ctx)
}

// checkpoint is the run as it is now, to be changed by nobody.
func (x *execution) checkpoint() *checkpoint {
	x.mu.Lock()
	defer x.mu.Unlock()
	row := x.run
	row.Messages, row.Tools, row.Steps, row.Children = nil, nil, nil, nil
	c := &checkpoint{
		StartedAt: x.startedAt, Turn: x.turn, Request: x.req, Run: &row, Passed: make([]passed, 0, len(x.emitted)),
		Messages: withoutResults(x.run.Messages), Tools: slices.Clone(x.run.Tools), Requests: x.requests,
		Direct: x.direct, Steps: slices.Clone(x.steps), CarriedOut: x.carriedOut,
	}
	c.Request.Input, c.Request.SessionState = nil, nil
	for i := range x.emitted {
		if !x.comesAgain(&x.emitted[i]) {
			c.Passed = append(c.Passed, x.emitted[i].pack())
		}
	}
	return c
}

func encodeCheckpoint(c *checkpoint) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// comesAgain reports whether another worker passes the point once more: that after a
// call whose result is not kept yet, and which it makes again.
func (x *execution) comesAgain(e *emitted) bool {
	if e.occasion.Point != pluginapi.PointPostToolCall || e.context.ToolCall == nil {
		return false
	}
	for i := range x.run.Tools {
		if asked := &x.run.Tools[i]; asked.ID == e.context.ToolCall.ID && asked.Result == nil {
			t := x.tool(asked.Name)
			return t != nil && t.repeatable()
		}
	}
	return false
}

func (e *emitted) pack() passed {
	p := passed{
		Point: e.occasion.Point, Sequence: e.occasion.Sequence,
		Permitted: e.permitted, Background: e.background,
	}
	if e.permitted && len(e.background) > 0 { // what was denied is kept nowhere
		p.Context = &e.context
	}
	for _, call := range e.calls {
		p.Calls = append(p.Calls, passedCall{call, call.Position})
	}
	return p
}

// resume puts the run where the checkpoint left it.
func (x *execution) resume(from *checkpoint) {
	x.from, x.saved, x.inputPermitted, x.startedAt = from, from, true, from.StartedAt
	x.requests, x.direct = from.Requests, from.Direct
	x.steps, x.carriedOut = slices.Clone(from.Steps), from.CarriedOut
	if x.inside() {
		x.run = *from.Run
		x.run.Attempt = x.tree.root.run.Attempt
	} else {
		row := x.run
		from.Run, x.opened = &row, true
		x.tree.sequence.Store(from.Sequence)
		x.tree.seed = from.Seed
	}
	x.run.Messages, x.run.Tools = withResults(from.Messages, from.Tools), slices.Clone(from.Tools)
	x.resultBytes = sizeOfResults(from.Tools)
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
