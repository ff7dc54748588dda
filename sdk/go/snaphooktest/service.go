package snaphooktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

// Value implements snaphook.Host.
func (h *Host) Value(key string) (value []byte, found bool, err error) {
	if h.KV == nil {
		return nil, false, fmt.Errorf("%w: the test has no KV", snaphook.ErrNotGranted)
	}
	value, found = h.KV[key]
	return bytes.Clone(value), found, nil
}

// SetValue implements snaphook.Host.
func (h *Host) SetValue(key string, value []byte) error {
	if h.KV == nil {
		return fmt.Errorf("%w: the test has no KV", snaphook.ErrNotGranted)
	}
	h.KV[key] = bytes.Clone(value)
	return nil
}

// DeleteValue implements snaphook.Host.
func (h *Host) DeleteValue(key string) error {
	if h.KV == nil {
		return fmt.Errorf("%w: the test has no KV", snaphook.ErrNotGranted)
	}
	delete(h.KV, key)
	return nil
}

// SessionState implements snaphook.Host.
func (h *Host) SessionState() (json.RawMessage, error) {
	if h.State == nil {
		return nil, fmt.Errorf("%w: the test has no State", snaphook.ErrNotGranted)
	}
	return bytes.Clone(h.State), nil
}

// MergeSessionState implements snaphook.Host.
func (h *Host) MergeSessionState(patch json.RawMessage) error {
	if h.State == nil {
		return fmt.Errorf("%w: the test has no State", snaphook.ErrNotGranted)
	}
	state, over := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := json.Unmarshal(h.State, &state); err != nil {
		return fmt.Errorf("read State: %w", err)
	}
	if err := json.Unmarshal(patch, &over); err != nil || over == nil {
		return errors.New("the patch is no JSON object")
	}
	maps.Copy(state, over)
	maps.DeleteFunc(state, func(name string, value json.RawMessage) bool {
		_, patched := over[name]
		return patched && string(value) == "null"
	})
	merged, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("write State: %w", err)
	}
	h.State = merged
	return nil
}
