package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// NewRun is a run that begins, or is to begin.
type NewRun struct {
	// Run is stored without what hooks have to permit first.
	Run Run
	// Lease is zero for a background run that any worker may take.
	Lease Lease
	// Wait has CreateRun return after the commit. Background runs, and runs with an
	// idempotency key, are always waited for.
	Wait bool
	// Request is what a background run was asked, to be read by its worker; nil for
	// other runs. It is kept where no route shows it, until the first checkpoint.
	Request *RunRequest
	// IdempotencyKey is the user's name for the request, unlike that of any other user;
	// "" for none.
	IdempotencyKey string
	// MaxQueued is how many background runs may be PENDING, this one included; 0
	// for any number.
	MaxQueued int
	// Cancelled is called before CreateRun returns when a cancel came before the run:
	// it is only to be ended. nil for nobody; only who waits is told.
	Cancelled func()
}

// DuplicateError says that a run with the idempotency key exists.
type DuplicateError struct {
	// Run is the one that exists, as it is now.
	Run Run
}

// Error names the run.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("run %q was created with this idempotency key", e.Run.ID)
}

// ErrCancelled is wrapped by a write that came too late: somebody has been
// promised that the run is cancelled. Nothing was written.
var ErrCancelled = errors.New("the run was cancelled")

// RunWork is a background run in the hands of a worker.
type RunWork struct {
	// Run is RUNNING; Attempt is the worker's fence.
	Run Run
	// Lost is how many workers the run has lost.
	Lost int
	// Request is nil once a checkpoint was stored.
	Request *RunRequest
	// Checkpoint is the last one stored, nil for none.
	Checkpoint json.RawMessage
	// NextEvent is the index of the next event of the run's stream.
	NextEvent int
	// CancelRequested is true when the run is only to be ended.
	CancelRequested bool
}

// Checkpoint is what a background run goes on from when its worker is lost.
type Checkpoint struct {
	// Run is the row as it may be stored now; Run.Attempt is the fence.
	Run Run
	// State is the engine's own document.
	State json.RawMessage
}

// BackgroundStore keeps the work of background runs: a run's row is its job.
type BackgroundStore interface {
	// ClaimRuns leases up to limit background runs that have been due since now or
	// longer and are held by nobody, those created first first, and makes them
	// RUNNING, each in an attempt of its own. A run that Ahead reports on is left
	// alone unless it was cancelled.
	ClaimRuns(ctx context.Context, lease Lease, now time.Time, limit int) ([]RunWork, error)
	// ClaimRun does that for one run; false when it cannot be claimed, or not yet.
	ClaimRun(ctx context.Context, lease Lease, now time.Time, id string) (RunWork, bool, error)
	// ReleaseRun gives a claimed run back, due now; that loses no worker. It wraps
	// ErrStale when the attempt is over: after the next claim it takes nothing away.
	ReleaseRun(ctx context.Context, id string, attempt int) error
	// SaveCheckpoint replaces the run's row and checkpoint and deletes its request,
	// in one transaction. It wraps ErrStale or ErrCancelled as FinishRun does.
	SaveCheckpoint(ctx context.Context, checkpoint Checkpoint) error
	// CancelRun notes that the run is to end CANCELLED, however it ends; a final run
	// stays as it is. A cancel of a run that does not exist is kept for an hour, in
	// case it is created; one of a run inside another one goes with its end.
	CancelRun(ctx context.Context, id string, at time.Time) error
	// KeptCancels returns those of the ids for which a cancel is kept.
	KeptCancels(ctx context.Context, ids []string) ([]string, error)
	// Ahead reports whether a top-level run of the same session was created before
	// this one and has not ended. Parallel runs wait for none and keep none waiting.
	// Of a run whose CreateRun is under way it knows.
	Ahead(ctx context.Context, run Run) (bool, error)
}

// RunEvent is an event of a run's stream as it is stored: what cannot be read
// from the run itself.
type RunEvent struct {
	// Index is 0 for the run's first event and never repeats.
	Index int       `json:"-"`
	Kind  EventKind `json:"kind"`
	// Run names the run inside this one that the event is of; nil for the run itself.
	Run         *EventRun       `json:"run,omitempty"`
	At          time.Time       `json:"at"`
	Hook        string          `json:"hook,omitempty"`
	Input       json.RawMessage `json:"input,omitempty"`
	Content     json.RawMessage `json:"content,omitempty"`
	ContentType string          `json:"content_type,omitempty"`
	Metrics     *Metrics        `json:"metrics,omitempty"`
	Tool        *ToolExecution  `json:"tool,omitempty"`
	Step        *StepEvent      `json:"step,omitempty"`
}

// EventRun is what an event tells of a run inside the one whose stream it is in.
type EventRun struct {
	ID            string    `json:"id"`
	ParentID      string    `json:"parent_id"`
	Component     Component `json:"component"`
	Model         string    `json:"model,omitempty"`
	ModelProvider string    `json:"model_provider,omitempty"`
	Step          *RunStep  `json:"step,omitempty"`
	// Covered is true where the run's answer waits for the hooks of a run around it.
	Covered bool `json:"covered,omitempty"`
}

// Event is the event of that run.
func (e RunEvent) Event(run *Run) Event {
	return Event{
		Kind: e.Kind, At: e.At, Run: run, Index: e.Index,
		Hook: e.Hook, Input: e.Input, Content: e.Content, ContentType: e.ContentType, Metrics: e.Metrics,
		Tool: e.Tool, Step: e.Step,
	}
}

// EventStore keeps the streams of background runs.
type EventStore interface {
	// AppendEvents stores events whose indexes follow one another, in one
	// transaction. It wraps ErrStale when the attempt is over.
	AppendEvents(ctx context.Context, runID string, attempt int, events []RunEvent) error
	// NextEvent is the index that follows the last stored event of a run, 0 for none.
	NextEvent(ctx context.Context, runID string) (int, error)
	// RunEvents returns up to limit events of a run, from an index on.
	RunEvents(ctx context.Context, runID string, from, limit int) ([]RunEvent, error)
}

// SignalKind says what happened.
type SignalKind string

// The signals.
const (
	// SignalWork: background work is due that nobody holds.
	SignalWork SignalKind = "work"
	// SignalCancel: somebody asked to cancel the run ID.
	SignalCancel SignalKind = "cancel"
	// SignalEvents: the run ID has new events, or has ended.
	SignalEvents SignalKind = "events"
	// SignalSession: a run of the session ID ended, and another waited for it.
	SignalSession SignalKind = "session"
	// SignalPlugins: the revision of the plugins grew.
	SignalPlugins SignalKind = "plugins"
)

// Signal is told to all nodes after the commit it is about. It can be lost or
// repeated: who acts on one also looks by itself now and then.
type Signal struct {
	Kind SignalKind
	ID   string
}

// SignalStore tells nodes of one another.
type SignalStore interface {
	// Listen hands the signals of all nodes, this one included, to receive until
	// ctx ends. receive returns at once.
	Listen(ctx context.Context, receive func(Signal)) error
}

// JobKind says what a job is about.
type JobKind string

// The kinds of jobs.
const (
	JobRun      JobKind = "run"
	JobHookCall JobKind = "hook_call"
)

// Job is due work that a store hands to whoever moves work between nodes. The
// row it names says what is to be done.
type Job struct {
	Kind JobKind
	ID   string
	// Plugin is whose hook is to be called, for JobHookCall.
	Plugin string
	// At is when it is due; zero for now.
	At time.Time
}
