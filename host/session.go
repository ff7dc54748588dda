package host

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// Session is the runs that share history and state: the conversation.
type Session struct {
	ID        string    `json:"id"`
	Component Component `json:"component"`
	UserID    string    `json:"user_id,omitempty"`
	// Name is what somebody called the session; Title its first message, cut.
	Name      string          `json:"name,omitempty"`
	Title     string          `json:"title,omitempty"`
	State     json.RawMessage `json:"state,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// Label is what the session is shown under: its name, else its title.
func (s *Session) Label() string { return cmp.Or(s.Name, s.Title) }

// maxTitle bounds a session's title, in bytes.
const maxTitle = 256

// SessionTitle makes the title of a session from its first message.
func SessionTitle(message json.RawMessage) string {
	if message == nil {
		return ""
	}
	text := Text(message)
	if len(text) <= maxTitle {
		return text
	}
	end := maxTitle - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// SessionCatalog lists, creates, changes and deletes sessions.
type SessionCatalog interface {
	// Sessions returns one page of the sessions that match, and how many match in
	// all. A page costs what it skips and shows, whatever the sessions hold.
	Sessions(ctx context.Context, filter SessionFilter) (page []Session, total int, err error)
	// SessionRuns returns the next finished top-level runs of a session that
	// match, oldest first. next is what to pass as AfterTurn for the following page,
	// 0 when this one is the last; the last one ends with the background runs that
	// have not ended, in the order of their creation, beyond the limit if need be.
	SessionRuns(ctx context.Context, filter RunFilter) (page []Run, next int, err error)
	// SessionUsage returns by session what all its runs used, members included,
	// by model. A session that used nothing is not in it.
	SessionUsage(ctx context.Context, ids ...string) (map[string][]ModelUsage, error)
	// CreateSession stores a session without runs; an id that exists is
	// CodeConflict.
	CreateSession(ctx context.Context, session Session) error
	// UpdateSession changes a session and returns it. A run that is going on lays
	// what it changed over the new state when it ends.
	UpdateSession(ctx context.Context, id string, patch SessionPatch) (Session, error)
	// DeleteSessions deletes sessions with all that belongs to them, in one
	// transaction; one that does not exist is skipped. While a run of one has not
	// ended it is CodeConflict, and while a background call of one is not final
	// (ErrCallsOpen), unless dropCalls gives these up; then nothing is deleted.
	DeleteSessions(ctx context.Context, ids []string, dropCalls bool) error
}

// ErrCallsOpen is wrapped by the conflict that giving background calls up avoids.
var ErrCallsOpen = errors.New("a background call is not final")

// SessionOrder is what a list of sessions is sorted by.
type SessionOrder string

// The orders.
const (
	SessionsByCreation SessionOrder = "created_at"
	SessionsByUpdate   SessionOrder = "updated_at"
)

// SessionFilter chooses sessions. Zero fields match everything.
type SessionFilter struct {
	Kind        ComponentKind
	ComponentID string
	UserID      string
	// Label is a part of the session's label; ASCII letters match in either case.
	Label string
	// Order is SessionsByCreation by default, the latest first.
	Order     SessionOrder
	Ascending bool
	Offset    int
	Limit     int
}

// RunFilter chooses finished top-level runs of one session. Zero fields match
// everything.
type RunFilter struct {
	SessionID string
	Component BindingScope
	Status    RunStatus
	// CreatedFrom is inclusive, CreatedUntil exclusive.
	CreatedFrom  time.Time
	CreatedUntil time.Time
	AfterTurn    int
	Limit        int
}

// SessionPatch is what to change of a session; nil fields stay as they are.
type SessionPatch struct {
	Name     *string
	State    json.RawMessage
	Metadata json.RawMessage
	// At becomes the time of the session's last change.
	At time.Time
}

// ModelUsage is the tokens used of one model; Metrics has no times.
type ModelUsage struct {
	Model    string
	Provider string
	Metrics  Metrics
}
