package row

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Expiry is how a store deletes what ended before a time. Each returns how much it
// has deleted, also when it fails.
type Expiry struct {
	Runs, HookCalls, Logs, Events func(ctx context.Context, before time.Time) (int, error)
}

// Expire deletes what ended before the given times; a zero time keeps everything.
func (e Expiry) Expire(ctx context.Context, before host.Retention) (host.Expired, error) {
	var gone host.Expired
	for _, step := range []struct {
		name   string
		before time.Time
		expire func(context.Context, time.Time) (int, error)
		count  *int
	}{
		{"runs", before.Runs, e.Runs, &gone.Runs},
		{"hook calls", before.HookCalls, e.HookCalls, &gone.HookCalls},
		{"logs", before.Logs, e.Logs, &gone.Logs},
		{"events", before.Events, e.Events, new(int)},
	} {
		if step.before.IsZero() {
			continue
		}
		var err error
		if *step.count, err = step.expire(ctx, step.before); err != nil {
			return gone, fmt.Errorf("expire %s: %w", step.name, err)
		}
	}
	return gone, nil
}

// Aged is a row on the way from the oldest to the youngest.
type Aged struct {
	seq      int64
	id       string
	final    bool
	created  time.Time
	finished time.Time
}

// ScanAgedCall reads the place, the id, the status and the times of creation and end
// of a call.
func ScanAgedCall(r Scanner) (Aged, error) {
	var (
		a                 Aged
		status            host.HookCallStatus
		created, finished int64
	)
	err := r.Scan(&a.seq, &a.id, &status, &created, &finished)
	a.final, a.created, a.finished = status.Final(), Time(created), Time(finished)
	return a, err
}

// ScanAgedRun reads the place, the id, whether it is a turn, and the times of
// creation and end of a run. What is no turn is not over: a run inside another one
// goes with its root.
func ScanAgedRun(r Scanner) (Aged, error) {
	var (
		a                 Aged
		created, finished int64
	)
	err := r.Scan(&a.seq, &a.id, &a.final, &created, &finished)
	a.final, a.created, a.finished = a.final && finished != 0, Time(created), Time(finished)
	return a, err
}

// DropOld walks over rows, up to the first that was created after before. read yields
// up to size of them behind a place, in their order; drop gets the ids of what is over
// and says how many it took.
func DropOld(
	before time.Time, size int, read func(behind int64) ([]Aged, error), drop func(ids []string) (int, error),
) (int, error) {
	total, behind := 0, int64(0)
	for {
		rows, err := read(behind)
		if err != nil {
			return total, err
		}
		ids, young := over(rows, before)
		if len(ids) > 0 {
			n, err := drop(ids)
			total += n
			if err != nil {
				return total, err
			}
		}
		if young || len(rows) < size {
			return total, nil
		}
		behind = rows[len(rows)-1].seq
	}
}

// over returns the ids of the rows that ended before a time, up to the first
// that was created later, and whether there was one.
func over(rows []Aged, before time.Time) (ids []string, young bool) {
	for _, a := range rows {
		if !a.created.Before(before) {
			return ids, true
		}
		if a.final && a.finished.Before(before) {
			ids = append(ids, a.id)
		}
	}
	return ids, false
}
