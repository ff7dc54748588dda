package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// AppendEvents stores events while the attempt is not over.
func (s *Store) AppendEvents(ctx context.Context, runID string, attempt int, events []host.RunEvent) error {
	rows, err := newEventRows(events)
	if err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	err = s.writer.write(ctx, &op{do: func(t *tx) error {
		if _, err := checkRun(t, runID, attempt); err != nil {
			return err
		}
		t.tell(host.SignalEvents, runID)
		return insertEvents(t, runID, rows)
	}})
	if err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	return nil
}

// eventRow is an event as it is stored.
type eventRow struct {
	index int
	doc   string
}

func newEventRows(events []host.RunEvent) ([]eventRow, error) {
	rows := make([]eventRow, len(events))
	for i, event := range events {
		doc, err := encode(event)
		if err != nil {
			return nil, fmt.Errorf("encode event %d: %w", event.Index, err)
		}
		rows[i] = eventRow{event.Index, doc}
	}
	return rows, nil
}

// insertEvents leaves an event alone that is there: its first writer did not
// hear of the commit.
func insertEvents(t *tx, runID string, events []eventRow) error {
	const query = `INSERT INTO run_events (run_id, idx, doc) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	for _, event := range events {
		if _, err := t.exec(query, runID, event.index, event.doc); err != nil {
			return err
		}
	}
	return nil
}

// nextEvent is the index behind the last event of the run ?1.
const nextEvent = `(SELECT coalesce(max(idx) + 1, 0) FROM run_events WHERE run_id = ?1)`

// NextEvent is the index that follows the last stored event of a run.
func (s *Store) NextEvent(ctx context.Context, runID string) (int, error) {
	next, err := one(ctx, s.read, row.Value[int], `SELECT `+nextEvent, runID)
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return next, nil
}

const eventsQuery = `SELECT ` + row.EventColumns + ` FROM run_events WHERE run_id = ? AND idx >= ? ORDER BY idx LIMIT ?`

// RunEvents returns up to limit events of a run, from an index on.
func (s *Store) RunEvents(ctx context.Context, runID string, from, limit int) ([]host.RunEvent, error) {
	events, err := all(ctx, s.read, row.ScanEvent, eventsQuery, runID, from, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

const (
	streamedQuery = `SELECT id FROM runs WHERE streamed AND finished_at < ? LIMIT ?`
	// expireStreams bounds the streams one transaction deletes.
	expireStreams = 10
)

// expireEvents deletes the streams of runs that ended before a time.
func (s *Store) expireEvents(ctx context.Context, before time.Time) (int, error) {
	return row.InBatches(expireStreams, func() (int, error) {
		var ids []string
		err := s.writer.write(ctx, &op{do: func(t *tx) (err error) {
			if ids, err = queryTx(t, row.Value[string], streamedQuery, row.Nanos(before), expireStreams); err != nil {
				return err
			}
			for _, id := range ids {
				if err := dropEvents(t, id); err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			return 0, err // the writer may not be done with ids
		}
		return len(ids), nil
	})
}

func dropEvents(t *tx, runID string) error {
	if _, err := t.exec(`DELETE FROM run_events WHERE run_id = ?`, runID); err != nil {
		return err
	}
	_, err := t.exec(`UPDATE runs SET streamed = 0 WHERE id = ?`, runID)
	return err
}
