package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
)

// liveState is the session's state in the course of one run: as the session and
// the request bring it, with what blocking hooks merge. It is stored when the
// run ends.
type liveState struct {
	mu    sync.Mutex
	state json.RawMessage // nil for none
}

var _ host.SessionState = (*liveState)(nil)

// Get returns the state of now.
func (s *liveState) Get(context.Context) (json.RawMessage, error) { return object(s.value()), nil }

// Merge changes the state for the hooks that follow.
func (s *liveState) Merge(_ context.Context, patch json.RawMessage) error {
	if err := checkPatch(patch); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	merged, err := host.MergeState(s.state, patch)
	if err == nil {
		s.state = merged
	}
	return err
}

func (s *liveState) value() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *liveState) set(state json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

// storedState is the session's state as a background hook reaches it: in the
// store, for as long as its attempt is not over.
type storedState struct {
	store host.SessionStore
	call  host.HookCall
}

var _ host.SessionState = (*storedState)(nil)

// Get returns the state of now, which may not be that of the snapshot.
func (s *storedState) Get(ctx context.Context) (json.RawMessage, error) {
	session, err := s.store.Session(ctx, s.call.SessionID)
	if err != nil {
		return nil, err
	}
	return object(session.State), nil
}

// Merge changes the stored session at once.
func (s *storedState) Merge(ctx context.Context, patch json.RawMessage) error {
	if err := checkPatch(patch); err != nil {
		return err
	}
	err := s.store.MergeSessionState(ctx, host.StateMerge{
		SessionID: s.call.SessionID, HookCallID: s.call.ID, Fence: s.call.Fence(), Patch: patch,
	})
	if errors.Is(err, host.ErrStale) {
		return host.Errorf(host.CodeConflict, "this attempt of the call is over")
	}
	return err
}

// checkPatch keeps out what would fail every later hook that sees the state.
func checkPatch(patch json.RawMessage) error {
	if hook.ValidPart(patch) {
		return nil
	}
	return host.Errorf(host.CodeInvalid,
		"the change of a session's state must be JSON in valid Unicode, nested at most %d levels deep", hook.MaxPartDepth)
}

// object is a state as hooks see it.
func object(state json.RawMessage) json.RawMessage {
	if len(state) == 0 || string(state) == "null" {
		return json.RawMessage(`{}`)
	}
	return state
}
