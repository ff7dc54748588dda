package host

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MaxSessionStateBytes bounds the state that requests and plugins leave in a
// session.
const MaxSessionStateBytes = 1 << 20

// MergeState lays the members of patch over state; null removes a member. State
// is an object, null or nil. A patch that is no object is CodeInvalid, a result
// over MaxSessionStateBytes CodeTooLarge.
func MergeState(state, patch json.RawMessage) (json.RawMessage, error) {
	members, err := stateMembers(state)
	if err != nil {
		return nil, err
	}
	var over map[string]json.RawMessage
	if err := json.Unmarshal(patch, &over); err != nil || over == nil {
		return nil, Errorf(CodeInvalid, "the change of a session's state must be a JSON object")
	}
	for name, value := range over {
		if string(value) == "null" {
			delete(members, name)
			continue
		}
		members[name] = value
	}
	merged, err := encodeState(members)
	if err == nil && len(merged) > MaxSessionStateBytes {
		return nil, Errorf(CodeTooLarge, "the state of a session may have %d bytes; this would make it %d",
			MaxSessionStateBytes, len(merged))
	}
	return merged, err
}

// RebaseState lays what changed between before and after over current: members
// that only somebody else changed stay. All are objects, null or nil.
func RebaseState(current, before, after json.RawMessage) (json.RawMessage, error) {
	var states [3]map[string]json.RawMessage
	for i, state := range []json.RawMessage{current, before, after} {
		members, err := stateMembers(state)
		if err != nil {
			return nil, err
		}
		states[i] = members
	}
	now, was, is := states[0], states[1], states[2]
	for name, value := range is {
		if old, had := was[name]; !had || !bytes.Equal(old, value) {
			now[name] = value
		}
	}
	for name := range was {
		if _, has := is[name]; !has {
			delete(now, name)
		}
	}
	return encodeState(now)
}

// stateMembers returns the members of a state, each without white space around
// its parts, never nil.
func stateMembers(state json.RawMessage) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	if len(state) == 0 || string(state) == "null" {
		return members, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, state); err != nil {
		return nil, fmt.Errorf("read the session's state: %w", err)
	}
	if err := json.Unmarshal(compact.Bytes(), &members); err != nil {
		return nil, fmt.Errorf("read the session's state: %w", err)
	}
	return members, nil
}

// encodeState leaves the text of the members as it is.
func encodeState(members map[string]json.RawMessage) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(members); err != nil {
		return nil, fmt.Errorf("write the session's state: %w", err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
