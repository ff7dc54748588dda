package plugin

import (
	"context"
	"log/slog"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// modules holds what is loaded: one module per digest, loaded for the first who
// asks and closed when the last one lets go.
type modules struct {
	load func(ctx context.Context, p *host.Plugin) (Module, error)
	log  *slog.Logger

	mu   sync.Mutex
	held map[string]*heldModule
}

// heldModule is a module with the number of those who hold it. module and err
// may be read once loaded is closed.
type heldModule struct {
	refs   int
	loaded chan struct{}
	module Module
	err    error
}

func newModules(load func(context.Context, *host.Plugin) (Module, error), log *slog.Logger) *modules {
	return &modules{load: load, log: log, held: map[string]*heldModule{}}
}

// acquire returns the module of a plugin, and a function that lets go of it and
// must be called once. When ctx ends while another caller loads the module the
// error is that of ctx.
func (m *modules) acquire(ctx context.Context, p *host.Plugin) (Module, func(), error) {
	h, first := m.hold(p.Digest)
	release := func() { m.release(ctx, p.Digest, h) }
	if first {
		// Others wait for this module: it is loaded even if this caller leaves.
		h.module, h.err = m.load(context.WithoutCancel(ctx), p)
		close(h.loaded)
	}
	select {
	case <-h.loaded:
	case <-ctx.Done():
		release()
		return nil, nil, ctx.Err()
	}
	if h.err != nil {
		release()
		return nil, nil, h.err
	}
	return h.module, release, nil
}

// hold counts a holder in; the first one has to load the module.
func (m *modules) hold(digest string) (h *heldModule, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.held[digest]
	if !ok {
		h = &heldModule{loaded: make(chan struct{})}
		m.held[digest] = h
	}
	h.refs++
	return h, !ok
}

// release counts a holder out. The last one closes the module; whoever comes
// after it loads another.
func (m *modules) release(ctx context.Context, digest string, h *heldModule) {
	m.mu.Lock()
	h.refs--
	last := h.refs == 0
	if last {
		delete(m.held, digest)
	}
	m.mu.Unlock()
	if !last || h.module == nil {
		return
	}
	if err := h.module.Close(context.WithoutCancel(ctx)); err != nil {
		m.log.ErrorContext(ctx, "close plugin", "digest", digest, "err", err)
	}
}
