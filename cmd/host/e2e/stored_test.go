package e2e

import (
	"encoding/json"
	"testing"
)

// storedRun is a row of runs.
type storedRun struct {
	ID        string `json:"id"`
	SessionID string `json:"session_id"`
	ParentID  string `json:"parent_id"`
	Depth     int    `json:"depth"`
	Component struct {
		ID string `json:"id"`
	} `json:"component"`
	Background bool `json:"background"`
	Step       struct {
		WorkflowRunID string `json:"workflow_run_id"`
		ID            string `json:"id"`
		Name          string `json:"name"`
	} `json:"step"`
	Failure struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Refused bool   `json:"refused"`
	} `json:"failure"`

	status string
	losses int
}

func (db database) runs(t testing.TB) []storedRun {
	t.Helper()
	return all(t, db, `SELECT status, losses, doc FROM runs`, func(scan func(...any) error) (storedRun, error) {
		var r storedRun
		var doc []byte
		err := scan(&r.status, &r.losses, &doc)
		if err == nil {
			err = json.Unmarshal(doc, &r)
		}
		return r, err
	})
}

// storedCall is a row of hook_calls.
type storedCall struct {
	runID, plugin, status string
	attempt               int
	// made is true for a background call that was to be made.
	made bool
}

func (db database) calls(t testing.TB) []storedCall {
	t.Helper()
	return all(t, db, `SELECT run_id, plugin, status, attempt, mode = 'background' AND attempt > 0 FROM hook_calls`, func(scan func(...any) error) (storedCall, error) {
		var c storedCall
		err := scan(&c.runID, &c.plugin, &c.status, &c.attempt, &c.made)
		return c, err
	})
}

// storedEvent is a row of run_events.
type storedEvent struct {
	Kind string `json:"kind"`
	// Run is nil for the run itself, not for one inside it.
	Run json.RawMessage `json:"run"`

	runID string
	index int
}

// events are the streams of all runs, each in order.
func (db database) events(t testing.TB) map[string][]storedEvent {
	t.Helper()
	events := map[string][]storedEvent{}
	for _, e := range all(t, db, `SELECT run_id, idx, doc FROM run_events ORDER BY run_id, idx`, func(scan func(...any) error) (storedEvent, error) {
		var e storedEvent
		var doc []byte
		err := scan(&e.runID, &e.index, &doc)
		if err == nil {
			err = json.Unmarshal(doc, &e)
		}
		return e, err
	}) {
		events[e.runID] = append(events[e.runID], e)
	}
	return events
}
