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
