package snaphook

import (
	"encoding/json"
	"fmt"
)

// SessionState returns the session's state as it is now, a JSON object. The
// plugin needs the permission session_state. In a background hook it may differ
// from that in the context, which is as it was when the call was enqueued.
func (c *Call) SessionState() (json.RawMessage, error) {
	state, err := c.host.SessionState()
	if err != nil {
		return nil, fmt.Errorf("session state: %w", err)
	}
	return state, nil
}

// MergeSessionState lays the members of patch, which marshals to a JSON object,
// over the session's state; null removes a member. The plugin needs the
// permission session_state with access: write. A blocking hook changes the state
// of its run, which is stored when the run ends; a background hook changes the
// stored session at once.
func (c *Call) MergeSessionState(patch any) error {
	document, err := json.Marshal(patch)
	if err != nil {
		return fmt.Errorf("session state: write patch: %w", err)
	}
	if err := c.host.MergeSessionState(document); err != nil {
		return fmt.Errorf("session state: %w", err)
	}
	return nil
}
