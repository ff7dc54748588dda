package postgres

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	sessionRunsQuery = `SELECT turn, ` + row.RunColumns + ` FROM runs
		WHERE session_id = $1 AND turn IS NOT NULL AND turn > $7 AND ` + matchingRun + ` ORDER BY turn LIMIT $8`
	// sessionUnfinishedQuery finds what the last page ends with.
	sessionUnfinishedQuery = `SELECT ` + row.RunColumns + ` FROM runs
		WHERE session_id = $1 AND turn IS NULL AND background AND ` + matchingRun + ` ORDER BY turn, seq`
	matchingRun = `created_at >= $2 AND created_at < $3 AND ($4 = '' OR status = $4)
			AND ($5 = '' OR (component_kind = $5 AND component_id = $6))`
)

// SessionRuns returns the next finished top-level runs of a session that match,
// oldest first, and behind the last the background runs that go on.
func (s *Store) SessionRuns(ctx context.Context, filter host.RunFilter) ([]host.Run, int, error) {
	matching := row.RunFilterArgs(filter)
	// These first: a run that ends meanwhile is found among the others too, and not
	// missed.
	unfinished, err := list(ctx, s, row.ScanRun, sessionUnfinishedQuery, matching...)
	if err != nil {
		return nil, 0, fmt.Errorf("list unfinished runs: %w", err)
	}
	turns, err := list(ctx, s, row.ScanTurn, sessionRunsQuery, append(matching, filter.AfterTurn, filter.Limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list runs: %w", err)
	}
	runs, last := row.SessionRuns(unfinished, turns, filter.Limit)
	return runs, last, nil
}
