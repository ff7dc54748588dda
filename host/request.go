package host

import "encoding/json"

// RunRequest asks for one run of a component.
type RunRequest struct {
	Component Component `json:"component"`
	// RunID and SessionID are empty when the host chooses them.
	RunID     string `json:"run_id,omitempty"`
	SessionID string `json:"session_id,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	// Input is a JSON string or object.
	Input json.RawMessage `json:"input"`
	// The four below are JSON objects, or nil. Arguments are the fields of the
	// request the host does not know; hooks see them.
	SessionState json.RawMessage `json:"session_state,omitempty"`
	Dependencies json.RawMessage `json:"dependencies,omitempty"`
	Metadata     json.RawMessage `json:"metadata,omitempty"`
	Arguments    json.RawMessage `json:"arguments,omitempty"`
	// AddHistory decides whether the model sees earlier runs of the session; nil
	// leaves it to the agent.
	AddHistory *bool `json:"add_history,omitempty"`
	// OutputSchema is a JSON Schema the content must fit, in the place of the
	// component's; nil for the component's. PlainObject gives the content the type
	// "dict" instead of the schema's title.
	OutputSchema json.RawMessage `json:"output_schema,omitempty"`
	PlainObject  bool            `json:"plain_object,omitempty"`
	// Deltas has a background run keep the pieces of its answer for its stream.
	Deltas bool `json:"deltas,omitempty"`
	// IdempotencyKey is the client's name for the request: a second request of the
	// same user and name gets the run of the first.
	IdempotencyKey string `json:"-"`
	// Events gets the run's events in order, from one goroutine; nil when nobody
	// streams. An error of Events cancels the run.
	Events func(Event) error `json:"-"`
}
