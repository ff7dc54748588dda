package engine

import "github.com/snaphook-dev/snaphook/host"

// fault is the cause of a run's end that says itself how the run failed.
type fault struct{ failure host.Failure }

func (f *fault) Error() string { return f.failure.Message }

// storeError is what the store could not tell; a background run may go on when it
// can.
type storeError struct {
	act string
	err error
}

func (e *storeError) Error() string { return e.act + ": " + e.err.Error() }

func (e *storeError) Unwrap() error { return e.err }
