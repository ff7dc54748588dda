package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// loadSession reads what the session brings: its state, its turn, its history.
func (x *execution) loadSession(ctx context.Context) error {
	if !x.fresh {
		if err := x.readSession(ctx); err != nil {
			return err
		}
	}
	if x.session.ID == "" {
		x.session = host.Session{
			ID: x.run.SessionID, Component: x.run.Component, UserID: x.run.UserID, CreatedAt: x.run.CreatedAt,
		}
	}
	if x.from != nil {
		x.session.State, x.turn = x.from.StateBefore, x.from.Turn
		x.tree.state.set(x.from.State)
		return nil
	}
	state, err := mergeState(x.session.State, x.req.SessionState)
	if err != nil {
		return err
	}
	x.tree.state.set(state) // hooks see it; what is kept of it they decide
	x.run.SessionState = x.session.State
	return nil
}

func (x *execution) readSession(ctx context.Context) error {
	session, err := x.store.Session(ctx, x.run.SessionID)
	if host.CodeOf(err) == host.CodeNotFound {
		return nil
	}
	if err != nil {
		return &storeError{"read session", err}
	}
	if !x.plan.Empty() { // nobody else is told the turn
		if x.turn, err = x.store.Turns(ctx, session.ID); err != nil {
			return &storeError{"count turns", err}
		}
	}
	if runs := x.historyRuns(); runs > 0 {
		if err := x.readHistory(ctx, session.ID, runs); err != nil {
			return err
		}
	}
	x.session = session
	return nil
}

// historyRuns is how many earlier runs the model is to see.
func (x *execution) historyRuns() int {
	wanted := !x.agent.HistoryOnRequest
	if x.req.AddHistory != nil {
		wanted = *x.req.AddHistory
	}
	if !wanted {
		return 0
	}
	return x.agent.HistoryRuns
}

// readHistory reads the last n turns before this one as the model is to see them.
func (x *execution) readHistory(ctx context.Context, sessionID string, n int) error {
	runs, err := x.store.History(ctx, sessionID, n)
	if err != nil {
		return &storeError{"read history", err}
	}
	x.history = make([]host.Message, 0, 2*len(runs))
	for _, r := range runs {
		x.history = append(x.history,
			host.Message{Role: "user", Content: r.Input, FromHistory: true},
			host.Message{Role: "assistant", Content: host.AsText(r.Content), FromHistory: true})
	}
	return nil
}

// endSession is the session as this run leaves it, nil when the run ended before
// the session was read.
func (x *execution) endSession() *host.Session {
	if x.session.ID == "" {
		return nil
	}
	s := x.session
	s.State, s.Metadata = x.run.SessionState, nil // which no run changes
	s.UpdatedAt = x.now().UTC().Truncate(time.Millisecond)
	if s.Title == "" {
		s.Title = host.SessionTitle(x.run.Input)
	}
	return &s
}

// mergeState lays the request's state over the session's, member by member.
// Either may be nil.
func mergeState(stored, request json.RawMessage) (json.RawMessage, error) {
	if len(request) == 0 {
		return stored, nil
	}
	if len(stored) == 0 {
		return request, nil
	}
	var merged, over map[string]json.RawMessage
	if err := json.Unmarshal(stored, &merged); err != nil {
		return nil, fmt.Errorf("read the session's state: %w", err)
	}
	if err := json.Unmarshal(request, &over); err != nil {
		return nil, fmt.Errorf("read the request's session state: %w", err)
	}
	if merged == nil {
		return request, nil
	}
	maps.Copy(merged, over)
	data, err := json.Marshal(merged)
	if err != nil {
		return nil, fmt.Errorf("write the session's state: %w", err)
	}
	if len(data) > host.MaxSessionStateBytes {
		return nil, host.Errorf(host.CodeTooLarge, "session_state would make the session's state %d bytes; it may have %d",
			len(data), host.MaxSessionStateBytes)
	}
	return data, nil
}
