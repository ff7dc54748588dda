package pluginapi

import (
	"encoding/json"
	"errors"
	"fmt"
)

// What one call of a hook may store.
const (
	MaxEvaluations         = 16
	MaxEvaluationBytes     = 64 << 10
	MaxEvaluationNameBytes = 256
)

// Evaluation is what a hook finds of its run.
type Evaluation struct {
	// Name has at most MaxEvaluationNameBytes.
	Name string `json:"name,omitempty"`
	// Score is nil for a judgement without a number.
	Score     *float64 `json:"score,omitempty"`
	Threshold *float64 `json:"threshold,omitempty"`
	Passed    bool     `json:"passed"`
	Reason    string   `json:"reason,omitempty"`
	Criteria  string   `json:"criteria,omitempty"`
	// Input and Output are what was judged, JSON strings or objects; nil to say
	// nothing of them.
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
	// JudgeRunID is the run that judged, one that this call had made; empty for none.
	JudgeRunID string `json:"judge_run_id,omitempty"`
}

// ParseEvaluation reads what a hook stores; null is as good as nothing, except for
// passed. Its errors quote nothing of the document.
func ParseEvaluation(data []byte) (Evaluation, error) {
	var e Evaluation
	members, err := object(data, "name", "score", "threshold", "passed", "reason", "criteria", "input", "output", "judge_run_id")
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return e, decodeProblem(err)
	}
	for _, content := range []*json.RawMessage{&e.Input, &e.Output} {
		if isNull(*content) {
			*content = nil
		}
	}
	switch passed := members["passed"]; {
	case passed == nil || isNull(passed):
		return e, errors.New("passed is missing")
	case !isContent(e.Input):
		return e, errors.New("input must be a string or an object")
	case !isContent(e.Output):
		return e, errors.New("output must be a string or an object")
	case len(e.Name) > MaxEvaluationNameBytes:
		return e, fmt.Errorf("name must have at most %d bytes", MaxEvaluationNameBytes)
	}
	return e, nil
}

// isContent reports whether raw is a string, an object or nothing.
func isContent(raw json.RawMessage) bool { return raw == nil || isString(raw) || isObject(raw) }
