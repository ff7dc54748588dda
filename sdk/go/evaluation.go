package snaphook

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Evaluation is what a hook finds of its run.
type Evaluation = pluginapi.Evaluation

// Evaluate stores an evaluation of the run. It needs no permission; a call may
// store pluginapi.MaxEvaluations of pluginapi.MaxEvaluationBytes each. They are
// kept once the hook has succeeded; those of a failed call are not.
func (c *Call) Evaluate(e Evaluation) error {
	document, err := plainJSON(e)
	if err != nil {
		return fmt.Errorf("evaluate: write evaluation: %w", err)
	}
	if err := c.host.Evaluate(document); err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	return nil
}

// plainJSON is JSON in which <, > and & are as they are: escaped they would count
// six times towards limits.
func plainJSON(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}
