package pluginapi

import (
	"encoding/json"
	"errors"
)

// RunRequest is what a hook asks a component of this host.
type RunRequest struct {
	// Component is its name as ParseComponent reads it.
	Component string `json:"component"`
	// Input is a JSON string or object.
	Input json.RawMessage `json:"input"`
	// OutputSchema is a JSON Schema that the content of the run must fit; nil for the
	// component's own.
	OutputSchema json.RawMessage `json:"output_schema,omitempty"`
}

// RunResult is what such a run came to.
type RunResult struct {
	RunID     string `json:"run_id"`
	SessionID string `json:"session_id"`
	// Status is RunCompleted, RunError or RunCancelled.
	Status string `json:"status"`
	// Content is a JSON string or object: the answer, or why there is none.
	Content       json.RawMessage `json:"content,omitempty"`
	ContentType   string          `json:"content_type,omitempty"`
	Model         string          `json:"model,omitempty"`
	ModelProvider string          `json:"model_provider,omitempty"`
	// Error is set with RunError.
	Error *RunFailure `json:"error,omitempty"`
}

// The states a run ends in.
const (
	RunCompleted = "COMPLETED"
	RunError     = "ERROR"
	RunCancelled = "CANCELLED"
)

// RunFailure says why a run ended in ERROR.
type RunFailure struct {
	Type    string `json:"type,omitempty"`
	ID      string `json:"id,omitempty"`
	Message string `json:"message,omitempty"`
}

// ParseRunRequest reads what a hook asks. Its errors quote nothing of the document.
func ParseRunRequest(data []byte) (RunRequest, error) {
	var r RunRequest
	if _, err := object(data, "component", "input", "output_schema"); err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, decodeProblem(err)
	}
	if isNull(r.OutputSchema) {
		r.OutputSchema = nil
	}
	switch {
	case !isString(r.Input) && !isObject(r.Input):
		return r, errors.New("input must be a string or an object")
	case r.OutputSchema != nil && !isObject(r.OutputSchema):
		return r, errors.New("output_schema must be an object")
	}
	return r, nil
}
