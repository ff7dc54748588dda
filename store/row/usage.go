package row

import "github.com/snaphook-dev/snaphook/host"

// ModelUsageColumns are what ScanModelUsage takes.
const ModelUsageColumns = `session_id, model, provider,
	input_tokens, output_tokens, total_tokens, reasoning_tokens, cache_read_tokens`

// ModelUsage is what all runs of a session used of one model.
type ModelUsage struct {
	sessionID string
	usage     host.ModelUsage
}

// ScanModelUsage reads what a session used of one model.
func ScanModelUsage(r Scanner) (ModelUsage, error) {
	var u ModelUsage
	m := &u.usage.Metrics
	err := r.Scan(&u.sessionID, &u.usage.Model, &u.usage.Provider,
		&m.InputTokens, &m.OutputTokens, &m.TotalTokens, &m.ReasoningTokens, &m.CacheReadTokens)
	return u, err
}

// UsageBySession returns by session what it used, in the order of all.
func UsageBySession(all []ModelUsage) map[string][]host.ModelUsage {
	bySession := make(map[string][]host.ModelUsage, len(all))
	for _, u := range all {
		bySession[u.sessionID] = append(bySession[u.sessionID], u.usage)
	}
	return bySession
}

// UsedTokens reports whether there is anything to add to a session's usage.
func UsedTokens(m *host.Metrics) bool {
	return m.InputTokens|m.OutputTokens|m.TotalTokens|m.ReasoningTokens|m.CacheReadTokens != 0
}
