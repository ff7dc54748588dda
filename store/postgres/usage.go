package postgres

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const modelUsageQuery = `SELECT ` + row.ModelUsageColumns + `
	FROM session_usage WHERE session_id = ANY($1) ORDER BY session_id, model, provider`

// SessionUsage returns by session what its runs used, by model.
func (s *Store) SessionUsage(ctx context.Context, ids ...string) (map[string][]host.ModelUsage, error) {
	rows, err := list(ctx, s, row.ScanModelUsage, modelUsageQuery, ids)
	if err != nil {
		return nil, fmt.Errorf("read session usage: %w", err)
	}
	return row.UsageBySession(rows), nil
}
