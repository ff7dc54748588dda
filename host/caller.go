package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Caller calls functions of plugins. It is safe for concurrent use.
type Caller interface {
	// Call runs one export in a fresh instance. A failure of the guest, or of
	// reaching it, is a *CallError; logs and duration are returned with it.
	Call(ctx context.Context, call Call) (CallResult, error)
}

// Call is one call of a plugin's function.
type Call struct {
	Digest string
	Export string
	Input  []byte
	// Config is the binding's configuration, an object; nil for none.
	Config json.RawMessage
	// Timeout is the deadline of the call from the moment it has a slot.
	Timeout time.Duration
	// Mode chooses the slots and the limits.
	Mode pluginapi.Mode
	// Depth is that of the run: calls of each depth have slots of their own, so that
	// one that waits for a run does not wait for itself.
	Depth int
	// Tool is true for a call of a tool: a program that ends with a code other than 0
	// failed, and what it wrote to its standard error is why.
	Tool bool
	// Services are the call's own. What the plugin was not granted is taken away
	// from them; KV and Secrets, when nil, are the plugin's.
	Services Services
}

// CallResult is what came back from a call.
type CallResult struct {
	Output   []byte
	Logs     []LogLine
	Duration time.Duration
}

// CallErrorCode classifies a CallError.
type CallErrorCode string

// The ways a call fails.
const (
	CallTrap           CallErrorCode = "trap"             // the guest trapped
	CallTimeout        CallErrorCode = "timeout"          // past its deadline
	CallCancelled      CallErrorCode = "cancelled"        // the caller went away
	CallOutputTooLarge CallErrorCode = "output_too_large" // more output than its limit
	CallInputTooLarge  CallErrorCode = "input_too_large"  // more input than the limit
	CallExit           CallErrorCode = "exit"             // the guest ended itself
	CallFailed         CallErrorCode = "failed"           // the guest returned an error
	CallRefused        CallErrorCode = "refused"          // it sent a request it was not granted
	CallRequest        CallErrorCode = "request_failed"   // a request it sent was not answered
	CallMissingExport  CallErrorCode = "missing_export"   // no such function
	CallWrongSignature CallErrorCode = "wrong_signature"  // not () -> i32
	CallUnavailable    CallErrorCode = "unavailable"      // plugin gone, or no slot in time
)

// CallError is a call that failed. Message is made by the host or the guest; it
// is cut and escaped, and fit for a log or an operator.
type CallError struct {
	Code    CallErrorCode
	Message string
	Err     error
}

// Error is the code and the message.
func (e *CallError) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Unwrap returns the cause, which may be nil.
func (e *CallError) Unwrap() error { return e.Err }

// CallErrorOf returns the CallError in err's chain, or one with CallUnavailable
// that wraps err. It returns nil for nil.
func CallErrorOf(err error) *CallError {
	if err == nil {
		return nil
	}
	var e *CallError
	if errors.As(err, &e) {
		return e
	}
	return &CallError{Code: CallUnavailable, Message: "the call could not be made", Err: err}
}
