package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// finishDelay is how long the end of a hook call waits for company: a transaction
	// of many costs half of many transactions, and nobody waits for the end of a call.
	finishDelay = 10 * time.Millisecond
	// maxFinishers is how many transactions end hook calls at once. One alone falls
	// behind the runs that make the calls.
	maxFinishers = 4
)

// callFinish stores the final state of a call.
type callFinish struct {
	row     hookCallRow
	attempt int
}

// finisher stores the ends of hook calls.
type finisher = gatherer[callFinish]

func newFinisher(pool *pgxpool.Pool) *finisher {
	return &finisher{
		delay: finishDelay, most: maxFinishers,
		send: func(ctx context.Context, calls []*request[callFinish]) error { return finishCalls(ctx, pool, calls) },
	}
}

func finishCalls(ctx context.Context, pool *pgxpool.Pool, calls []*request[callFinish]) error {
	var rows finishedCalls
	var snapshots []string
	for _, call := range calls {
		rows.add(&call.item)
		if id := call.item.row.call.SnapshotID; id != "" && !slices.Contains(snapshots, id) {
			snapshots = append(snapshots, id)
		}
	}
	found := map[string]bool{}
	b := &pgx.Batch{}
	if len(snapshots) > 0 {
		b.Queue(holdSnapshotsQuery, snapshots)
	}
	b.Queue(finishCallsQuery, rows.args()...).Query(collectInto(found))
	if len(snapshots) > 0 {
		b.Queue(dropSnapshotsQuery, snapshots)
	}
	if err := pool.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	for _, call := range calls {
		if !found[call.key] {
			call.err = missingHookCall(ctx, pool, call.key)
		}
	}
	return nil
}
