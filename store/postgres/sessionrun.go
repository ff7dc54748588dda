package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	sessionRunsQuery = `SELECT turn, ` + runColumns + ` FROM runs
		WHERE session_id = $1 AND turn IS NOT NULL AND turn > $7 AND ` + matchingRun + ` ORDER BY turn LIMIT $8`
	// sessionUnfinishedQuery finds what the last page ends with.
	sessionUnfinishedQuery = `SELECT ` + runColumns + ` FROM runs
		WHERE session_id = $1 AND turn IS NULL AND background AND ` + matchingRun + ` ORDER BY turn, seq`
	matchingRun = `created_at >= $2 AND created_at < $3 AND ($4 = '' OR status = $4)
			AND ($5 = '' OR (component_kind = $5 AND component_id = $6))`
)

// SessionRuns returns the next finished top-level runs of a session that match,
// oldest first, and behind the last the background runs that go on.
func (s *Store) SessionRuns(ctx context.Context, filter host.RunFilter) ([]host.Run, int, error) {
	matching := matchingArgs(filter)
	// These first: a run that ends meanwhile is found among the others too, and not
	// missed.
	unfinished, err := list(ctx, s, scanRun, sessionUnfinishedQuery, matching...)
	if err != nil {
		return nil, 0, fmt.Errorf("list unfinished runs: %w", err)
	}
	rows, err := list(ctx, s, scanTurn, sessionRunsQuery, append(matching, filter.AfterTurn, filter.Limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list runs: %w", err)
	}
	runs := make([]host.Run, len(rows))
	for i, r := range rows {
		runs[i] = r.run
	}
	if len(rows) == filter.Limit && len(rows) > 0 {
		return runs, rows[len(rows)-1].turn, nil
	}
	unfinished = slices.DeleteFunc(unfinished, func(run host.Run) bool {
		return slices.ContainsFunc(runs, func(ended host.Run) bool { return ended.ID == run.ID })
	})
	return append(runs, unfinished...), 0, nil
}

// matchingArgs are the values of a filter, from $1 on.
func matchingArgs(filter host.RunFilter) []any {
	from, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !filter.CreatedFrom.IsZero() {
		from = bound(filter.CreatedFrom)
	}
	if !filter.CreatedUntil.IsZero() {
		until = bound(filter.CreatedUntil)
	}
	return []any{
		filter.SessionID, from, until, string(filter.Status), string(filter.Component.Kind), filter.Component.ID,
	}
}

// bound is t as a column holds it; what the column cannot hold lies at its end.
func bound(t time.Time) int64 {
	switch seconds := t.Unix(); {
	case seconds < math.MinInt64/int64(time.Second)+1:
		return math.MinInt64
	case seconds > math.MaxInt64/int64(time.Second)-1:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// turnRow is a run with its turn in the session.
type turnRow struct {
	turn int
	run  host.Run
}

func scanTurn(r row.Scanner) (turnRow, error) {
	var t turnRow
	run, err := scanRun(row.Leading(r, &t.turn))
	t.run = run
	return t, err
}
