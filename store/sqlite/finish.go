package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// FinishRun stores the run, its session, its hook calls and their snapshots in
// one transaction. A run whose lazy creation is still in the queue is inserted
// whole, and the creation is dropped.
func (s *Store) FinishRun(ctx context.Context, finish host.Finish) error {
	f, err := newFinishRows(finish)
	if err != nil {
		return fmt.Errorf("finish run: %w", err)
	}
	id := f.run.id
	o := &op{key: runKey(id), written: func() { s.pending.remove(id) }}
	o.do = func(t *tx) error {
		if o.replaces == nil {
			return f.write(t, f.run.finish)
		}
		if run, ok := s.pending.get(id); ok && run.Attempt != f.run.attempt {
			return host.ErrStale
		}
		return f.write(t, f.run.insert)
	}
	err = s.writer.write(ctx, o)
	if _, uncreated := s.pending.get(id); uncreated && host.CodeOf(err) == host.CodeNotFound {
		err = errNotNow // the creation was under way, and has met a fault
	}
	if err != nil {
		return fmt.Errorf("finish run: %w", err)
	}
	return nil
}

// finishRows is a host.Finish as it is stored, encoded before the writer gets
// it.
type finishRows struct {
	run       runRow
	usage     modelUsage
	session   *host.Session
	before    json.RawMessage // the session's state
	calls     []hookCallRow
	snapshots []host.Snapshot
}

func newFinishRows(finish host.Finish) (*finishRows, error) {
	if !finish.Run.Status.Final() {
		return nil, fmt.Errorf("status %s is not final", finish.Run.Status)
	}
	run, err := newRunRow(finish.Run, host.Lease{})
	if err != nil {
		return nil, err
	}
	f := &finishRows{
		run: run, usage: newModelUsage(finish.Run),
		session: finish.Session, before: finish.StateBefore, snapshots: finish.Snapshots,
	}
	for _, call := range finish.Calls {
		row, err := newHookCallRow(call)
		if err != nil {
			return nil, err
		}
		f.calls = append(f.calls, row)
	}
	return f, nil
}

// write writes the run first: its fence decides about the rest.
func (f *finishRows) write(t *tx, run func(*tx) error) error {
	if err := run(t); err != nil {
		return err
	}
	if err := f.usage.add(t); err != nil {
		return err
	}
	if f.session != nil {
		if err := putSession(t, f.session, f.before); err != nil {
			return err
		}
	}
	for _, call := range f.calls {
		if err := call.insert(t); err != nil {
			return err
		}
	}
	for _, snapshot := range f.snapshots {
		if err := insertSnapshot(t, snapshot); err != nil {
			return err
		}
	}
	return nil
}
