package runtime

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

var errNoSessionState = fmt.Errorf("session_state: %w", host.ErrNotGranted)

func getSessionState(ctx context.Context, s host.Services, _ [][]byte) ([]byte, bool, error) {
	if s.SessionState == nil {
		return nil, false, errNoSessionState
	}
	state, err := s.SessionState.Get(ctx)
	return state, err == nil, err
}

func mergeSessionState(ctx context.Context, s host.Services, args [][]byte) ([]byte, bool, error) {
	if s.SessionState == nil {
		return nil, false, errNoSessionState
	}
	return nil, false, s.SessionState.Merge(ctx, args[0])
}
