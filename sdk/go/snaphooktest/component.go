package snaphooktest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

// RunComponent implements snaphook.Host.
func (h *Host) RunComponent(document json.RawMessage) (json.RawMessage, error) {
	if h.Run == nil {
		return nil, fmt.Errorf("%w: the test has no Run", snaphook.ErrNotGranted)
	}
	request, err := pluginapi.ParseRunRequest(document)
	if err != nil {
		return nil, err
	}
	h.Runs = append(h.Runs, request)
	result, err := h.Run(request)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// Evaluate implements snaphook.Host.
func (h *Host) Evaluate(document json.RawMessage) error {
	if len(document) > pluginapi.MaxEvaluationBytes || len(h.Evaluations) == pluginapi.MaxEvaluations {
		return fmt.Errorf("%w: there are %d evaluations, this one has %d bytes", snaphook.ErrTooLarge, len(h.Evaluations), len(document))
	}
	evaluation, err := pluginapi.ParseEvaluation(document)
	if err != nil {
		return errors.New("invalid: " + err.Error())
	}
	h.Evaluations = append(h.Evaluations, evaluation)
	return nil
}
