package engine

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/snaphook-dev/snaphook/host"
)

// flow is a workflow with its expressions compiled.
type flow struct{}

func newFlow(*host.Workflow) (*flow, error) { return &flow{}, nil }

// doneStep is a step that has ended.
type doneStep struct {
	Key    string          `json:"key"`
	Output host.StepOutput `json:"output"`
}

// walk carries out the steps of a workflow and returns its content.
func (x *execution) walk(context.Context) (json.RawMessage, error) {
	return nil, errors.New("not built yet")
}
