//go:build !wasip1

package snaphook

import "encoding/json"

// Value implements Host.
func (guest) Value(string) ([]byte, bool, error) { panic(noHost) }

// SetValue implements Host.
func (guest) SetValue(string, []byte) error { panic(noHost) }

// DeleteValue implements Host.
func (guest) DeleteValue(string) error { panic(noHost) }

// SessionState implements Host.
func (guest) SessionState() (json.RawMessage, error) { panic(noHost) }

// MergeSessionState implements Host.
func (guest) MergeSessionState(json.RawMessage) error { panic(noHost) }

// RunComponent implements Host.
func (guest) RunComponent(json.RawMessage) (json.RawMessage, error) { panic(noHost) }

// Evaluate implements Host.
func (guest) Evaluate(json.RawMessage) error { panic(noHost) }
