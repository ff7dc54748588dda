package row

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// SessionColumns are what ScanSession takes.
const SessionColumns = `id, component_kind, component_id, component_name, user_id, name, title,
	state, metadata, created_at, updated_at`

// ScanSession reads a session.
func ScanSession(r Scanner) (host.Session, error) {
	var (
		session          host.Session
		state, metadata  []byte
		created, updated int64
	)
	err := r.Scan(&session.ID, &session.Component.Kind, &session.Component.ID, &session.Component.Name,
		&session.UserID, &session.Name, &session.Title, &state, &metadata, &created, &updated)
	session.State, session.Metadata = json.RawMessage(state), json.RawMessage(metadata)
	session.CreatedAt, session.UpdatedAt = Time(created), Time(updated)
	return session, err
}

// Turn is a finished top-level run with its turn in the session.
type Turn struct {
	N   int
	Run host.Run
}

// ScanTurn reads the turn and RunColumns.
func ScanTurn(r Scanner) (Turn, error) {
	var t Turn
	run, err := ScanRun(Leading(r, &t.N))
	t.Run = run
	return t, err
}

// RunFilterArgs are the values of a filter: the session, the time of creation from
// and until, the status and the kind and the id of the component. A status or a
// component that is not asked for is empty.
func RunFilterArgs(filter host.RunFilter) []any {
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

// SessionRuns makes a page of the runs of a session: up to limit turns and, behind
// the last, what has not ended. It returns the turn that the next page follows, 0
// for none. unfinished is read first: a run that ends meanwhile is in both and
// stands among the turns.
func SessionRuns(unfinished []host.Run, turns []Turn, limit int) (page []host.Run, last int) {
	page = make([]host.Run, len(turns))
	for i, turn := range turns {
		page[i] = turn.Run
	}
	if len(turns) == limit && limit > 0 {
		return page, turns[limit-1].N
	}
	unfinished = slices.DeleteFunc(unfinished, func(run host.Run) bool {
		return slices.ContainsFunc(page, func(ended host.Run) bool { return ended.ID == run.ID })
	})
	return append(page, unfinished...), 0
}

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
