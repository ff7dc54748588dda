package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// AppendEvents stores events while the attempt is not over.
func (s *Store) AppendEvents(ctx context.Context, runID string, attempt int, events []host.RunEvent) error {
	// An event that is there is left alone: its writer did not hear of the commit.
	const query = `INSERT INTO run_events (run_id, idx, doc)
		SELECT $1, e.* FROM unnest($2::int[], $3::bytea[]) AS e ON CONFLICT DO NOTHING`
	var rows eventColumnsOf
	if err := rows.add(events); err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	err := s.transact(ctx, func(ctx context.Context, t *tx) error {
		if _, err := holdRun(ctx, t, runID, attempt); err != nil {
			return err
		}
		t.tell(host.SignalEvents, runID)
		_, err := t.Exec(ctx, query, runID, rows.indexes, rows.docs)
		return err
	})
	if err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	return nil
}

// eventColumnsOf are events as they are stored, one element for each.
type eventColumnsOf struct {
	indexes []int32
	docs    [][]byte
}

func (c *eventColumnsOf) add(events []host.RunEvent) error {
	for _, event := range events {
		doc, err := row.Encode(event)
		if err != nil {
			return fmt.Errorf("encode event %d: %w", event.Index, err)
		}
		c.indexes, c.docs = append(c.indexes, int32(event.Index)), append(c.docs, doc)
	}
	return nil
}

// nextEvent is the index behind the last event of the run $1.
const nextEvent = `(SELECT coalesce(max(idx) + 1, 0) FROM run_events WHERE run_id = $1)`

// NextEvent is the index that follows the last stored event of a run.
func (s *Store) NextEvent(ctx context.Context, runID string) (int, error) {
	next, err := get(ctx, s, row.Value[int], `SELECT `+nextEvent, runID)
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return next, nil
}

const eventsQuery = `SELECT ` + row.EventColumns + ` FROM run_events WHERE run_id = $1 AND idx >= $2 ORDER BY idx LIMIT $3`

// RunEvents returns up to limit events of a run, from an index on.
func (s *Store) RunEvents(ctx context.Context, runID string, from, limit int) ([]host.RunEvent, error) {
	events, err := list(ctx, s, row.ScanEvent, eventsQuery, runID, from, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

const (
	expireEventsQuery = `WITH old AS (DELETE FROM run_streams WHERE run_id IN (
			SELECT run_id FROM run_streams WHERE finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING run_id),
		gone AS (DELETE FROM run_events WHERE run_id IN (SELECT run_id FROM old))
		SELECT count(*) FROM old`
	// expireStreams bounds the streams one transaction deletes.
	expireStreams = 10
)

// expireEvents deletes the streams of runs that ended before a time.
func (s *Store) expireEvents(ctx context.Context, before time.Time) (int, error) {
	return row.InBatches(expireStreams, func() (n int, err error) {
		err = s.write(ctx, func(ctx context.Context, t *tx) (err error) {
			n, err = one(ctx, t, row.Value[int], expireEventsQuery, row.Nanos(before), expireStreams)
			return err
		})
		return n, err
	})
}
