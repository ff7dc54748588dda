package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/snaphook-dev/snaphook/host"
)

// invocation is the host's side of one call: what the guest is given and what
// it left behind. It belongs to the goroutine of the call.
type invocation struct {
	Call
	module    *Module
	grant     *grant
	secrets   *secrets
	maxOutput int64
	log       *callLog
	stdout    *printer
	stderr    *printer
	// fault is why the host ended the call; it goes before whatever the engine
	// makes of that.
	fault *host.CallError
	// guestError is the block the guest named as its error, and its text.
	guestError     uint64
	guestErrorText string
}

func newInvocation(m *Module, call Call, g *grant) *invocation {
	hidden := newSecrets(call.Services.Secrets)
	if g != nil {
		g.secrets, g.stub = hidden, call.Services.HTTP
	}
	log := newCallLog(call.Mode, hidden)
	return &invocation{
		Call: call, module: m, grant: g, secrets: hidden, maxOutput: m.maxOutput, log: log,
		stdout: &printer{log: log, level: levelStdout},
		stderr: &printer{log: log, level: levelStderr},
	}
}

type invocationKey struct{}

// withInvocation lets host functions find c, and the guarded HTTP client the
// grant.
func withInvocation(ctx context.Context, c *invocation) context.Context {
	return withGrant(context.WithValue(ctx, invocationKey{}, c), c.grant)
}

func invocationFrom(ctx context.Context) *invocation {
	return ctx.Value(invocationKey{}).(*invocation)
}

// abort ends the call from inside a host function: the engine turns the panic
// into an error of the running function.
func (c *invocation) abort(code host.CallErrorCode, format string, args ...any) {
	c.fault = callError(code, format, args...)
	panic(c.fault)
}

// system is the world as the guest sees it: a clock, randomness, sleep and two
// streams that end in the log; no files, arguments or environment.
func (c *invocation) system(ctx context.Context) wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions().
		WithRandSource(rand.Reader).WithSysWalltime().WithSysNanotime().
		WithNanosleep(sleeper(ctx)).
		WithStdout(c.stdout).WithStderr(c.stderr)
}

// sleeper makes the sleep of one call. When the call is over it panics, which
// ends the guest at once; returning early would let it go on.
func sleeper(ctx context.Context) func(int64) {
	return func(ns int64) {
		timer := time.NewTimer(time.Duration(ns))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			panic(ctx.Err())
		}
	}
}

func (c *invocation) finishLog() []host.LogLine {
	c.stdout.finish()
	c.stderr.finish()
	return c.log.finish()
}

// failure says why the call failed, or nil. A call that is over its deadline
// failed even if the guest returned in the end.
func (c *invocation) failure(ctx context.Context, err error) *host.CallError {
	var failed *host.CallError
	request := c.requestFailure(err)
	switch {
	case c.fault != nil:
		return c.fault
	case ctx.Err() != nil:
		return contextError(ctx, c.Timeout)
	case errors.As(err, &failed):
		return failed
	case request != nil:
		return request
	case err != nil:
		return callError(host.CallTrap, "%s", c.oneLine(err))
	}
	return nil
}

// contextError tells a deadline from a caller that went away.
func contextError(ctx context.Context, timeout time.Duration) *host.CallError {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &host.CallError{Code: host.CallTimeout, Message: "the call took longer than " + timeout.String(), Err: ctx.Err()}
	}
	return &host.CallError{Code: host.CallCancelled, Message: "the caller went away", Err: context.Cause(ctx)}
}
