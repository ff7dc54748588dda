package httpapi

import (
	"context"
	"net/http"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// API serves the host over HTTP. It is safe for concurrent use, and has ended
// its goroutines when its requests have ended.
type API struct {
	handler http.Handler
	gate    *gate
}

var _ http.Handler = (*API)(nil)

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Drain has the host say that it is not ready, refuses new requests, probes
// excepted, and breaks off the streams of background runs, which can be resumed on
// another node. It returns when the requests under way have ended, or with ctx's
// error when it ends first. It may be called again.
func (a *API) Drain(ctx context.Context) error {
	select {
	case <-a.gate.shut():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gate counts the requests under way and, once shut, lets no more in.
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	// closing is closed when the gate is shut.
	closing chan struct{}
	empty   chan struct{} // closed when the gate is shut and nobody is inside
}

func newGate() *gate { return &gate{closing: make(chan struct{}), empty: make(chan struct{})} }

// enter reports whether a request may come in; who does must leave.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.closed {
		close(g.empty)
	}
}

// shut lets nobody in any more, and returns what is closed when all have left.
func (g *gate) shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return g.empty
	}
	g.closed = true
	close(g.closing)
	if g.inside == 0 {
		close(g.empty)
	}
	return g.empty
}

func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// gated serves requests while the gate is open, and probes always.
func (a *api) gated(next http.Handler) http.Handler {
	return a.answering(func(w http.ResponseWriter, r *http.Request) error {
		if isProbe(r) {
			next.ServeHTTP(w, r)
			return nil
		}
		if !a.gate.enter() {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "1")
			return errStopping()
		}
		defer a.gate.leave()
		next.ServeHTTP(w, r)
		return nil
	})
}

func errStopping() error {
	return &statusError{
		status: http.StatusServiceUnavailable, id: string(host.CodeUnavailable), detail: "The host is stopping",
	}
}
