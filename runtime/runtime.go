package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// Config says how modules are compiled and run.
type Config struct {
	// CacheDir keeps compiled modules; it is created when missing. Whoever can
	// write there runs code in this process, so others must not. Required.
	CacheDir string
	// Log gets what an operator should know; nil discards it.
	Log *slog.Logger
}

// Runtime loads modules. It is safe for concurrent use.
type Runtime struct {
	cacheDir string
	log      *slog.Logger
	wasi     map[string]signature
	// compiling holds a token while a module is loaded: compiling is expensive,
	// and a cache entry has one writer.
	compiling chan struct{}
	// floor is never touched, so that it takes no memory, but counts as live: each
	// call makes and drops its guest's memory, and without it the small heap of an
	// idle host would be collected every few calls.
	floor []byte

	mu      sync.Mutex
	closed  bool
	modules map[*Module]struct{}
}

// floorSize is how much garbage there may be at least, in bytes.
const floorSize = 12 << 20

// wasiOutputVariable makes go-sdk write what guests print to the host's own
// stdout, past every limit.
const wasiOutputVariable = "EXTISM_ENABLE_WASI_OUTPUT"

// New checks the configuration and prepares the cache directory.
func New(c Config) (*Runtime, error) {
	if _, set := os.LookupEnv(wasiOutputVariable); set {
		return nil, fmt.Errorf("unset the environment variable %s: guests would write to the host's stdout", wasiOutputVariable)
	}
	if err := prepareCacheDir(c.CacheDir); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	wasi, err := wasiFunctions()
	if err != nil {
		return nil, err
	}
	return &Runtime{
		cacheDir: c.CacheDir, log: c.Log, wasi: wasi,
		compiling: make(chan struct{}, 1), floor: make([]byte, floorSize), modules: map[*Module]struct{}{},
	}, nil
}

// Close closes the modules that are still loaded; running calls finish. Load
// fails afterwards.
func (r *Runtime) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	var modules []*Module
	for m := range r.modules {
		modules = append(modules, m)
	}
	r.mu.Unlock()
	var errs []error
	for _, m := range modules {
		errs = append(errs, m.Close(ctx))
	}
	return errors.Join(errs...)
}

// keep notes a loaded module, or returns false when the runtime is closed.
func (r *Runtime) keep(m *Module) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.modules[m] = struct{}{}
	}
	return !r.closed
}

func (r *Runtime) forget(m *Module) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.modules, m)
}
