package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Module is a loaded module. It is safe for concurrent use.
type Module struct {
	runtime   *Runtime
	name      string
	abi       pluginapi.ABI
	maxOutput int64
	exports   map[string]signature
	guest     guest

	mu     sync.Mutex
	calls  int
	closed bool
}

// guest runs one compiled module under one ABI.
type guest interface {
	// run makes an instance, calls c's export and returns the output. ctx is
	// the call's, with its deadline, and carries c.
	run(ctx context.Context, c *invocation) ([]byte, error)
	// try makes an instance and initialises it.
	try(ctx context.Context, c *invocation) error
	close(ctx context.Context) error
}

// Close refuses new calls. What the module holds is released when its last call
// has returned, so Close waits for nothing. It may be called more than once.
func (m *Module) Close(ctx context.Context) error {
	m.runtime.forget(m)
	m.mu.Lock()
	release := !m.closed && m.calls == 0
	m.closed = true
	m.mu.Unlock()
	if !release {
		return nil
	}
	return m.release(ctx)
}

func (m *Module) release(ctx context.Context) error {
	// The engine must be released even when the caller has gone.
	if err := m.guest.close(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("close module %s: %w", m.name, err)
	}
	return nil
}

// enter counts a call in, or returns false when the module is closed.
func (m *Module) enter() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.calls++
	}
	return !m.closed
}

// leave counts a call out; the last one of a closed module releases it.
func (m *Module) leave(ctx context.Context) {
	m.mu.Lock()
	m.calls--
	release := m.closed && m.calls == 0
	m.mu.Unlock()
	if !release {
		return
	}
	if err := m.release(ctx); err != nil {
		m.runtime.log.ErrorContext(ctx, "release module", "module", m.name, "err", err)
	}
}

// try makes an instance as a call would, to find out now what would fail every
// call.
func (m *Module) try(ctx context.Context) ([]host.Problem, error) {
	c := newInvocation(m, Call{Timeout: trialTimeout}, nil)
	tryCtx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	failure := c.failure(tryCtx, m.guest.try(withInvocation(tryCtx, c), c))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case failure != nil:
		return []host.Problem{problem(pathStart, "the module fails when it is started: %s", failure)}, nil
	}
	return nil, nil
}

var errClosed = errors.New("the module is closed")
