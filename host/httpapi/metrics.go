package httpapi

import "github.com/snaphook-dev/snaphook/host"

// tokensBody counts tokens; zeros are left out.
type tokensBody struct {
	InputTokens     int64 `json:"input_tokens,omitempty"`
	OutputTokens    int64 `json:"output_tokens,omitempty"`
	TotalTokens     int64 `json:"total_tokens,omitempty"`
	CacheReadTokens int64 `json:"cache_read_tokens,omitempty"`
	ReasoningTokens int64 `json:"reasoning_tokens,omitempty"`
}

// metricsBody is what a run used; times are in seconds.
type metricsBody struct {
	tokensBody
	TimeToFirstToken float64      `json:"time_to_first_token,omitempty"`
	Duration         float64      `json:"duration,omitempty"`
	Details          *detailsBody `json:"details,omitempty"`
}

// detailsBody is the same by the model's role in the run.
type detailsBody struct {
	Model []modelUsageBody `json:"model"`
}

type modelUsageBody struct {
	tokensBody
	ID       string `json:"id"`
	Provider string `json:"provider"`
}

func newTokensBody(m *host.Metrics) tokensBody {
	return tokensBody{
		InputTokens: m.InputTokens, OutputTokens: m.OutputTokens, TotalTokens: m.TotalTokens,
		CacheReadTokens: m.CacheReadTokens, ReasoningTokens: m.ReasoningTokens,
	}
}

func newMetricsBody(run *host.Run) metricsBody {
	return newUsedBody(&run.Metrics, run.Model, run.ModelProvider, modelAnswered(run))
}

// newUsedBody is what was used of a model, which has answered or counted tokens
// before it failed.
func newUsedBody(m *host.Metrics, id, provider string, answered bool) metricsBody {
	tokens := newTokensBody(m)
	body := metricsBody{tokensBody: tokens, TimeToFirstToken: m.TimeToFirstToken, Duration: m.Duration}
	if answered || tokens != (tokensBody{}) {
		body.Details = &detailsBody{Model: []modelUsageBody{{tokensBody: tokens, ID: id, Provider: provider}}}
	}
	return body
}
