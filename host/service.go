package host

import (
	"context"
	"encoding/json"
	"errors"
)

// Services are what a plugin may reach of the host during one call. A nil
// service was not granted: the guest is told so.
type Services struct {
	KV           KV
	SessionState SessionState
	Secrets      Secrets
	// HTTP answers the call's requests instead of the network, in self-tests and
	// trials; nil sends real ones, where granted.
	HTTP HTTPStub
	// Runner runs components of this host.
	Runner Runner
	// Evaluations takes what the hook finds of the run.
	Evaluations Evaluations
}

// MaxDepth is how many hooks may stand between a run and a client.
const MaxDepth = 2

// Runner runs components for one call of a hook.
type Runner interface {
	// RunComponent runs a component in a session of its own, in the caller's
	// goroutine, and returns the run in its final state. It ends when ctx does. It
	// wraps ErrNotGranted when the plugin may not run that component; past MaxDepth it
	// is CodeConflict, and CodeNotFound where no such component is.
	RunComponent(ctx context.Context, req ComponentRequest) (Run, error)
}

// ComponentRequest is what a hook asks a component.
type ComponentRequest struct {
	// Component needs no name.
	Component BindingScope
	// Input is a JSON string or object.
	Input json.RawMessage
	// OutputSchema is that of RunRequest; nil for the component's own.
	OutputSchema json.RawMessage
}

// Evaluations takes the evaluations of one call; they are stored when the call has
// succeeded.
type Evaluations interface {
	// Add takes one, {name?, score?, threshold?, passed, reason?, criteria?, input?,
	// output?, judge_run_id?}. It is CodeInvalid when it is none, and CodeTooLarge
	// when there are too many, or it is too large.
	Add(ctx context.Context, evaluation json.RawMessage) error
}

// ErrNotGranted is wrapped by a service's error when the plugin lacks the
// permission for what it asked; the guest is told the whole text.
var ErrNotGranted = errors.New("the permission is not granted")

// KV keeps a plugin's values between calls. It is safe for concurrent use.
type KV interface {
	// Get returns false when there is no such key.
	Get(ctx context.Context, key string) ([]byte, bool, error)
	// Set stores a value; past the plugin's quota it is CodeTooLarge and nothing
	// is stored.
	Set(ctx context.Context, key string, value []byte) error
	// Delete of a key that does not exist is no error.
	Delete(ctx context.Context, key string) error
}

// SessionState is the state of the call's session, a JSON object.
type SessionState interface {
	// Get returns the state as it is now, {} when there is none.
	Get(ctx context.Context) (json.RawMessage, error)
	// Merge lays the members of patch, an object, over the state; null removes a
	// member. It wraps ErrNotGranted when the plugin may only read.
	Merge(ctx context.Context, patch json.RawMessage) error
}

// Secrets are the operator's values a plugin may use, by name. It is safe for
// concurrent use.
type Secrets interface {
	Secret(name string) (string, bool)
	// Names returns the names of all secrets Secret knows.
	Names() []string
}

// HTTPStub answers a request of a guest, or returns false when nothing is
// stubbed for it.
type HTTPStub interface {
	Answer(method, url string) (status int, body []byte, ok bool)
}
