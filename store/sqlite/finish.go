package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// FinishRun stores the run, its session, its hook calls with their snapshots, and
// its last events in one transaction. A run whose lazy creation is still in the
// queue is inserted whole, and the creation is dropped. So is a run inside another
// one, which comes behind the creation of its root.
func (s *Store) FinishRun(ctx context.Context, finish host.Finish) error {
	f, err := newFinishRows(finish)
	if err != nil {
		return fmt.Errorf("finish run: %w", err)
	}
	id, root := finish.Run.ID, finish.Run.RootID
	o := &op{key: runKey(id), settled: func(err error) {
		if _, place, ok := s.pending.get(id); ok && err == nil {
			s.pending.remove(place)
		}
	}}
	o.do = func(t *tx) error {
		switch {
		case !finish.Run.TopLevel():
			return f.write(t, f.run.insertChild)
		case o.replaces == nil:
			return f.write(t, f.run.finish)
		}
		created, place, _ := s.pending.get(id)
		if created.Attempt != finish.Run.Attempt {
			return host.ErrStale
		}
		f.run.place = place
		return f.write(t, f.run.insert)
	}
	err = s.writer.write(ctx, o)
	if host.CodeOf(err) == host.CodeNotFound {
		if _, _, uncreated := s.pending.get(root); uncreated {
			err = row.ErrNotNow // the creation was under way, and has met a fault
		} else if root != id {
			err = host.ErrStale
		}
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
	session   *host.Session
	before    json.RawMessage // the session's state
	calls     []hookCallRow
	snapshots []host.Snapshot
	events    []eventRow
}

func newFinishRows(finish host.Finish) (*finishRows, error) {
	if err := row.CheckFinish(&finish); err != nil {
		return nil, err
	}
	run, err := newRunRow(&finish.Run, host.Lease{})
	if err != nil {
		return nil, err
	}
	events, err := newEventRows(finish.Events)
	if err != nil {
		return nil, err
	}
	f := &finishRows{
		run: run, session: finish.Session, before: finish.StateBefore, snapshots: finish.Snapshots, events: events,
	}
	for _, call := range finish.Calls {
		stored, err := newHookCallRow(call)
		if err == nil {
			err = stored.encodeSpec()
		}
		if err != nil {
			return nil, err
		}
		f.calls = append(f.calls, stored)
	}
	return f, nil
}

// write writes the run first: its fence decides about the rest.
func (f *finishRows) write(t *tx, run func(*tx) error) error {
	f.number(t)
	if err := run(t); err != nil {
		return err
	}
	if err := addUsage(t, f.run.run); err != nil {
		return err
	}
	if f.session != nil {
		if err := putSession(t, f.session, f.before); err != nil {
			return err
		}
	}
	for i := range f.calls {
		if err := f.calls[i].insert(t); err != nil {
			return err
		}
	}
	for _, snapshot := range f.snapshots {
		if err := insertSnapshot(t, snapshot); err != nil {
			return err
		}
	}
	return f.writeProgress(t)
}

// number gives the calls their places in the order of storing: one piece, by which
// the run finds them.
func (f *finishRows) number(t *tx) {
	if len(f.calls) == 0 {
		return
	}
	for i := range f.calls {
		t.memory.lastCall++
		f.calls[i].seq = t.memory.lastCall
	}
	f.run.firstCall, f.run.lastCall = f.calls[0].seq, t.memory.lastCall
}

// writeProgress ends what only background runs have.
func (f *finishRows) writeProgress(t *tx) error {
	if !f.run.run.Background {
		return nil
	}
	if err := dropProgress(t, f.run.run.ID); err != nil {
		return err
	}
	return insertEvents(t, f.run.run.ID, f.events)
}
