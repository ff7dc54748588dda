package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// modelUsageQuery takes a JSON list of ids.
const modelUsageQuery = `SELECT ` + row.ModelUsageColumns + `
	FROM session_usage WHERE session_id IN (SELECT value FROM json_each(?))
	ORDER BY session_id, model, provider`

// SessionUsage returns by session what its runs used, by model.
func (s *Store) SessionUsage(ctx context.Context, ids ...string) (map[string][]host.ModelUsage, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("read session usage: %w", err)
	}
	rows, err := all(ctx, s.read, row.ScanModelUsage, modelUsageQuery, string(list))
	if err != nil {
		return nil, fmt.Errorf("read session usage: %w", err)
	}
	return row.UsageBySession(rows), nil
}

// addUsage adds what a run used to its session's sum; nothing is left out.
func addUsage(t *tx, run *host.Run) error {
	m := &run.Metrics
	if !row.UsedTokens(m) {
		return nil
	}
	const query = `INSERT INTO session_usage (session_id, model, provider,
			input_tokens, output_tokens, total_tokens, reasoning_tokens, cache_read_tokens)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (session_id, model, provider) DO UPDATE SET
			input_tokens = input_tokens + excluded.input_tokens,
			output_tokens = output_tokens + excluded.output_tokens,
			total_tokens = total_tokens + excluded.total_tokens,
			reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
			cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens`
	_, err := t.exec(query, run.SessionID, run.Model, run.ModelProvider,
		m.InputTokens, m.OutputTokens, m.TotalTokens, m.ReasoningTokens, m.CacheReadTokens)
	return err
}
