package runtime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// DefaultTimeout is the deadline of a call that names none.
const DefaultTimeout = 5 * time.Second

// MaxInput bounds the input of a call, in bytes.
const MaxInput = 5 << 20

// Call is one call of an export.
type Call struct {
	Export string
	Input  []byte
	// Config is what config_get answers; nil for none. Guests with
	// pluginapi.ABIWASICommand find their configuration in the input only.
	Config map[string]string
	// Timeout is the deadline of the whole call; 0 means DefaultTimeout.
	Timeout time.Duration
	// Mode chooses the limits of logs and HTTP; empty means blocking.
	Mode pluginapi.Mode
	// Tool is true when a program that ends with any other code than 0 failed, and
	// does not deny.
	Tool bool
	// HTTP says where the guest may send requests; nil for nowhere. It needs
	// NewHTTPClient as http.DefaultClient.
	HTTP *HTTPGrant
	// Services are what the guest may reach beside; it is told of a nil one that
	// it was not granted. Its secrets are put into the requests that refer to
	// them and hidden in the result. With Services.HTTP no request leaves.
	Services host.Services
}

// Result is what came back from a call.
type Result struct {
	// Output is what the guest answered; it may be empty.
	Output []byte
	Logs   []host.LogLine
}

// Call runs an export in a fresh instance. Its errors are *host.CallError, and
// come with the logs.
func (m *Module) Call(ctx context.Context, call Call) (Result, error) {
	if call.Timeout <= 0 {
		call.Timeout = DefaultTimeout
	}
	grant, refused := m.admit(ctx, call)
	if refused != nil {
		return Result{}, refused
	}
	if !m.enter() {
		return Result{}, unavailable(errClosed)
	}
	defer m.leave(ctx)
	c := newInvocation(m, call, grant)
	callCtx, cancel := context.WithTimeout(ctx, call.Timeout)
	defer cancel()
	output, err := m.guest.run(withInvocation(callCtx, c), c)
	failure := c.failure(callCtx, err)
	result := Result{Logs: c.finishLog()}
	if failure != nil {
		return result, failure
	}
	result.Output = c.secrets.redact(output)
	return result, nil
}

// admit checks a call before it begins and makes its grant.
func (m *Module) admit(ctx context.Context, call Call) (*grant, *host.CallError) {
	is, exported := m.exports[call.Export]
	switch want := calledSignature(m.abi); {
	case ctx.Err() != nil:
		return nil, contextError(ctx, call.Timeout)
	case !exported:
		return nil, callError(host.CallMissingExport, "the module exports no function %q", clean(call.Export, maxNameText))
	case is != want:
		return nil, callError(host.CallWrongSignature, "the function %q is %s; it must be %s",
			clean(call.Export, maxNameText), is, want)
	case len(call.Input) > MaxInput:
		return nil, callError(host.CallInputTooLarge, "the input has %d bytes; at most %d are allowed",
			len(call.Input), MaxInput)
	case call.HTTP != nil && !guardsDefaultClient():
		return nil, unavailable(errNotGuarded)
	}
	grant, err := newGrant(call.HTTP, call.Mode)
	if err != nil {
		return nil, unavailable(fmt.Errorf("read the grant of http: %w", err))
	}
	return grant, nil
}

var errNotGuarded = errors.New("requests of guests are not guarded: http.DefaultClient is not the guests' client")

// guardsDefaultClient reports whether guests' requests would be checked.
func guardsDefaultClient() bool {
	_, ok := http.DefaultClient.Transport.(*guardedTransport)
	return ok
}

func unavailable(err error) *host.CallError {
	return &host.CallError{Code: host.CallUnavailable, Message: err.Error(), Err: err}
}

func callError(code host.CallErrorCode, format string, args ...any) *host.CallError {
	return &host.CallError{Code: code, Message: fmt.Sprintf(format, args...)}
}
