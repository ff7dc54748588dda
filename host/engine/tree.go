package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/snaphook-dev/snaphook/host"
)

// tree is what a top-level run and the runs inside it share.
type tree struct {
	root *execution
	// seed has the ids of the runs inside the root be known to nobody before; another
	// worker finds it in the checkpoint.
	seed string
	// sequence counts the points passed in the tree.
	sequence atomic.Int64
	state    liveState
	// journal keeps the events of a background run; events sends those of a run whose
	// client waits. Where both are nil nobody streams. stream guards events and
	// orders what is sent.
	journal *journal
	stream  sync.Mutex
	events  func(host.Event) error
	// saving lets one checkpoint be stored at a time; mu guards those of
	// the executions.
	saving sync.Mutex
	mu     sync.Mutex
	// asked counts who wanted a checkpoint stored, which mu guards; stored those whose
	// was, which saving guards.
	asked, stored int64
}

// next is the sequence of the point a run has come to.
func (t *tree) next() int64 { return t.sequence.Add(1) - 1 }

// streams reports whether somebody is told of events.
func (t *tree) streams() bool {
	t.stream.Lock()
	defer t.stream.Unlock()
	return t.journal != nil || t.events != nil
}

// store writes the checkpoints of the tree as one document, under the fence of its
// root. Those who wait for another one's are stored together.
func (t *tree) store(ctx context.Context) error {
	own := t.ask()
	t.saving.Lock()
	defer t.saving.Unlock()
	if t.stored >= own {
		return nil
	}
	row, state, asked, err := t.compose()
	if err != nil {
		return err
	}
	err = t.root.store.SaveCheckpoint(ctx, host.Checkpoint{Run: row, State: state})
	switch {
	case errors.Is(err, host.ErrCancelled):
		return errCancelled
	case err != nil:
		return &storeError{"save checkpoint", err}
	}
	t.stored = asked
	return nil
}

// ask wants the checkpoints as they are now, or later ones, to be stored.
func (t *tree) ask() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	return t.asked
}

// compose makes the document, and says who asked for it until now.
func (t *tree) compose() (row host.Run, state []byte, asked int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	whole := *t.root.saved
	whole.Sequence, whole.Seed = t.sequence.Load(), t.seed
	whole.StateBefore, whole.State = t.root.session.State, t.state.value()
	row = *whole.Run
	whole.Run = nil // the row is stored beside it
	state, err = encodeCheckpoint(&whole)
	if err != nil {
		return row, nil, 0, fmt.Errorf("write checkpoint: %w", err)
	}
	return row, state, t.asked, nil
}
