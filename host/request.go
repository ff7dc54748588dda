package host

import "encoding/json"

// RunRequest asks for one run of a component.
type RunRequest struct {
	Component Component
	// RunID and SessionID are empty when the host chooses them.
	RunID     string
	SessionID string
	UserID    string
	// Input is a JSON string or object.
	Input json.RawMessage
	// The four below are JSON objects, or nil. Arguments are the fields of the
	// request the host does not know; hooks see them.
	SessionState json.RawMessage
	Dependencies json.RawMessage
	Metadata     json.RawMessage
	Arguments    json.RawMessage
	// AddHistory decides whether the model sees earlier runs of the session; nil
	// leaves it to the agent.
	AddHistory *bool
	// Events gets the run's events in order, from one goroutine; nil when nobody
	// streams. An error of Events cancels the run.
	Events func(Event) error
}
