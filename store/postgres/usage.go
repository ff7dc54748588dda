package postgres

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const modelUsageQuery = `SELECT session_id, model, provider,
		input_tokens, output_tokens, total_tokens, reasoning_tokens, cache_read_tokens
	FROM session_usage WHERE session_id = ANY($1) ORDER BY session_id, model, provider`

// SessionUsage returns by session what its runs used, by model.
func (s *Store) SessionUsage(ctx context.Context, ids ...string) (map[string][]host.ModelUsage, error) {
	rows, err := list(ctx, s, scanModelUsage, modelUsageQuery, ids)
	if err != nil {
		return nil, fmt.Errorf("read session usage: %w", err)
	}
	bySession := make(map[string][]host.ModelUsage, len(ids))
	for _, r := range rows {
		bySession[r.sessionID] = append(bySession[r.sessionID], r.ModelUsage)
	}
	return bySession, nil
}

// modelUsage is what all runs of a session used of one model.
type modelUsage struct {
	sessionID string
	host.ModelUsage
}

func scanModelUsage(r row.Scanner) (modelUsage, error) {
	var u modelUsage
	m := &u.Metrics
	err := r.Scan(&u.sessionID, &u.Model, &u.Provider,
		&m.InputTokens, &m.OutputTokens, &m.TotalTokens, &m.ReasoningTokens, &m.CacheReadTokens)
	return u, err
}
