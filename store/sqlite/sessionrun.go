package sqlite

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// sessionRunsQuery merges the runs of each final status, since that is how the
// index is ordered.
const (
	sessionRunsQuery = turnsWhere + `status = 'COMPLETED' AND ?5 IN ('', 'COMPLETED')` +
		` UNION ALL ` + turnsWhere + `status = 'CANCELLED' AND ?5 IN ('', 'CANCELLED')` +
		` UNION ALL ` + turnsWhere + `status = 'ERROR' AND ?5 IN ('', 'ERROR')` +
		` ORDER BY turn LIMIT ?8`
	turnsWhere = `SELECT turn, ` + runColumns + ` FROM runs
		WHERE session_id = ?1 AND turn > ?2 AND created_at >= ?3 AND created_at < ?4
			AND (?6 = '' OR (doc ->> '$.component.kind' = ?6 AND doc ->> '$.component.id' = ?7)) AND `
)

// SessionRuns returns the next finished top-level runs of a session that match,
// oldest first.
func (s *Store) SessionRuns(ctx context.Context, filter host.RunFilter) ([]host.Run, int, error) {
	from, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !filter.CreatedFrom.IsZero() {
		from = bound(filter.CreatedFrom)
	}
	if !filter.CreatedUntil.IsZero() {
		until = bound(filter.CreatedUntil)
	}
	rows, err := all(ctx, s.read, scanTurn, sessionRunsQuery, filter.SessionID, filter.AfterTurn, from, until,
		filter.Status, filter.Component.Kind, filter.Component.ID, filter.Limit)
	if err != nil {
		return nil, 0, fmt.Errorf("list runs: %w", err)
	}
	runs := make([]host.Run, len(rows))
	for i, row := range rows {
		runs[i] = row.run
	}
	if len(rows) < filter.Limit || len(rows) == 0 {
		return runs, 0, nil
	}
	return runs, rows[len(rows)-1].turn, nil
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

func scanTurn(row scanner) (turnRow, error) {
	var t turnRow
	run, err := scanRun(leading{row, &t.turn})
	t.run = run
	return t, err
}
