package expression

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The variables.
const (
	nameInput        = "input"
	namePrevious     = "previous"
	nameSteps        = "steps"
	nameSessionState = "session_state"
)

// maxVarBytes bounds the documents that one evaluation reads.
const maxVarBytes = 8 << 20

// Vars is what an expression may read. Each document is JSON; what is no JSON is
// taken as text. Numbers are doubles.
type Vars struct {
	// Input is the workflow's.
	Input json.RawMessage
	// Previous is the content of the step before, the input before the first; null when
	// nil.
	Previous json.RawMessage
	// Steps are the contents of the steps so far, by name.
	Steps map[string]json.RawMessage
	// SessionState is an object, empty when nil.
	SessionState json.RawMessage
}

// values are the variables among the names.
func (v Vars) values(names map[string]bool) (map[string]any, error) {
	if size := v.size(names); size > maxVarBytes {
		return nil, fmt.Errorf("the expression reads %d bytes, more than %d MiB", size, maxVarBytes>>20)
	}
	values := map[string]any{}
	if names[nameInput] {
		values[nameInput] = value(v.Input)
	}
	if names[namePrevious] {
		values[namePrevious] = value(v.Previous)
	}
	if names[nameSessionState] {
		values[nameSessionState] = value(objectOf(v.SessionState))
	}
	if names[nameSteps] {
		steps := make(map[string]any, len(v.Steps))
		for name, content := range v.Steps {
			steps[name] = value(content)
		}
		values[nameSteps] = steps
	}
	return values, nil
}

// size is how many bytes the variables among the names have.
func (v Vars) size(names map[string]bool) int {
	size := 0
	for name, doc := range map[string]json.RawMessage{
		nameInput: v.Input, namePrevious: v.Previous, nameSessionState: v.SessionState,
	} {
		if names[name] {
			size += len(doc)
		}
	}
	if names[nameSteps] {
		for _, content := range v.Steps {
			size += len(content)
		}
	}
	return size
}

// objectOf is doc, or an empty object.
func objectOf(doc json.RawMessage) json.RawMessage {
	if len(doc) == 0 || bytes.Equal(doc, []byte("null")) {
		return json.RawMessage("{}")
	}
	return doc
}

func value(doc json.RawMessage) any {
	if len(doc) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return string(doc)
	}
	return v
}
