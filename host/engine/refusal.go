package engine

import (
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// refusal is a deny that ends the run.
type refusal struct {
	// context is what the hooks before the deny left.
	context pluginapi.Context
	verdict pluginapi.Verdict
	decider *hook.Hook // nil for the host
}

func (r *refusal) Error() string { return "refused at " + string(r.context.Point) }

// failure words a refusal for the caller.
func (r *refusal) failure() *host.Failure {
	f := &host.Failure{
		Type: host.FailureInputCheck, ID: r.verdict.Reason,
		Message: r.verdict.Message, Data: r.data(), Refused: true,
	}
	switch r.context.Point {
	case pluginapi.PointPostModelCall, pluginapi.PointPostToolCall, pluginapi.PointOutput:
		f.Type = host.FailureOutputCheck
	}
	if f.ID == "" {
		f.ID = defaultID(f.Type)
	}
	if f.Message == "" {
		f.Message = f.ID
	}
	return f
}

// defaultID is the error id of a refusal without a reason.
func defaultID(failureType string) string {
	if failureType == host.FailureOutputCheck {
		return "output_not_allowed"
	}
	return "input_not_allowed"
}

// data names who refused, for additional_data.
func (r *refusal) data() json.RawMessage {
	data := struct {
		Plugin string          `json:"plugin,omitempty"`
		Hook   string          `json:"hook,omitempty"`
		Point  pluginapi.Point `json:"point"`
	}{Point: r.context.Point}
	if r.decider != nil {
		data.Plugin, data.Hook = r.decider.Plugin, r.decider.Name
	}
	raw, err := json.Marshal(data)
	if err != nil { // three strings always marshal
		panic(err)
	}
	return raw
}

// input is what is stored in the place of an input no hook permitted. It is kept
// only where the agent says so, as the hooks before the deny left it, and only
// when hooks of input have judged it.
func (r *refusal) input(a *host.Agent) json.RawMessage {
	if a.StoreRefusedInput && r.context.Point == pluginapi.PointInput {
		return r.context.Input.Content
	}
	return host.TextContent("[refused: " + r.failure().ID + "]")
}
