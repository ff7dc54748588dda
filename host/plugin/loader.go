package plugin

import (
	"context"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
)

// Loader turns the bytes of a plugin into something that can be called. It is
// safe for concurrent use.
type Loader interface {
	// Inspect returns everything that is wrong with a module. An error says that
	// the host could not find out.
	Inspect(ctx context.Context, source runtime.Source) ([]host.Problem, error)
	Load(ctx context.Context, source runtime.Source) (Module, error)
	// Discard forgets what Inspect and Load keep of a module for the next time.
	Discard(ctx context.Context, source runtime.Source) error
}

// Module is a loaded module. It is safe for concurrent use.
type Module interface {
	// Call runs one export. Its errors are *host.CallError.
	Call(ctx context.Context, call runtime.Call) (runtime.Result, error)
	Close(ctx context.Context) error
}

// NewLoader returns the Loader over a runtime.
func NewLoader(rt *runtime.Runtime) Loader { return loader{rt} }

type loader struct{ runtime *runtime.Runtime }

func (l loader) Inspect(ctx context.Context, source runtime.Source) ([]host.Problem, error) {
	return l.runtime.Inspect(ctx, source)
}

func (l loader) Load(ctx context.Context, source runtime.Source) (Module, error) {
	m, err := l.runtime.Load(ctx, source)
	if err != nil { // a nil *runtime.Module must not become a Module
		return nil, err
	}
	return m, nil
}

func (l loader) Discard(ctx context.Context, source runtime.Source) error {
	return l.runtime.Discard(ctx, source)
}
