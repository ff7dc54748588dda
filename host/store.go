package host

import (
	"context"
	"encoding/json"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Store keeps everything the host knows. Its methods are safe for concurrent
// use; a method that returns nil has committed, unless it says otherwise. A write
// that is not waited for is in place before a later one returns. A row that does
// not exist is an *Error with CodeNotFound; what the store may do later, and cannot
// now, is CodeUnavailable.
type Store interface {
	RunStore
	SessionStore
	SessionCatalog
	HookCallStore
	LeaseStore
	BackgroundStore
	EventStore
	SignalStore
	PluginStore
	BindingStore
	KVStore
	RetentionStore
	EvaluationStore
	// Close waits for what was written and releases the database.
	Close() error
}

// RunStore keeps runs.
type RunStore interface {
	// CreateRun stores a top-level run without its input. One that is not waited for is
	// put into the next batch: it can be read at once, and is lost when the process
	// dies first. An id that exists is CodeConflict, reported only to who waits; an
	// idempotency key that exists is a *DuplicateError; a queue that is full is
	// CodeBusy. A cancel that came before the run is kept for it. With a
	// background run comes its session, without a title and a state, when there is none.
	CreateRun(ctx context.Context, create NewRun) error
	// StartRun turns a PENDING run into RUNNING; it is not waited for.
	StartRun(ctx context.Context, id string, attempt int) error
	// FinishRun stores the run, its session, its hook calls and its last events in
	// one transaction, and deletes its request and its checkpoint. It wraps ErrStale
	// when the run is final or belongs to another attempt, and ErrCancelled when a
	// cancel was requested and the run says another status; then nothing is stored.
	// A run whose CreateRun is still under way is inserted whole.
	//
	// A run inside another one has no row before its end: it is inserted whole, while
	// the row of its root is not final and of the run's attempt, else it is ErrStale. A
	// run of its id that has ended is ErrStale too. A cancel that is kept for its id is
	// ErrCancelled where the run says another status; one of the root is not looked at.
	FinishRun(ctx context.Context, finish Finish) error
	// ChildRuns returns the finished runs right inside a run, in the order of ByPlace.
	// What hooks of the run started is not among them.
	ChildRuns(ctx context.Context, runID string) ([]Run, error)
	// Run returns a run, whatever its state.
	Run(ctx context.Context, id string) (Run, error)
	// History returns the last n COMPLETED top-level runs of a session, oldest
	// first; none for n <= 0.
	History(ctx context.Context, sessionID string, n int) ([]Run, error)
}

// Lease says which node holds a row, and until when.
type Lease struct {
	Owner string
	Until time.Time
}

// Finish is what the end of a run writes.
type Finish struct {
	Run Run
	// Session is inserted, or its State, UpdatedAt and, when set, Metadata are
	// updated; nil leaves sessions alone.
	Session *Session
	// StateBefore is Session.State as the run found it. Where the stored state is
	// another by now, only what the run changed is laid over it (RebaseState).
	StateBefore json.RawMessage
	// Calls are the hook results: final ones, and queued ones with their Lease.
	Calls     []HookCall
	Snapshots []Snapshot
	// Events are the last ones of a background run's stream.
	Events []RunEvent
}

// SessionStore keeps sessions.
type SessionStore interface {
	Session(ctx context.Context, id string) (Session, error)
	// Turns counts the finished top-level runs of a session.
	Turns(ctx context.Context, sessionID string) (int, error)
	// MergeSessionState lays a patch over a session's state (MergeState), in one
	// transaction. It wraps ErrStale when the fence of the hook call is another.
	MergeSessionState(ctx context.Context, merge StateMerge) error
}

// StateMerge is a change of a session's state by a background hook.
type StateMerge struct {
	SessionID  string
	HookCallID string
	// Fence is that of the hook call.
	Fence int
	// Patch is an object; null removes a member.
	Patch json.RawMessage
}

// HookCallStore keeps hook calls. A worker's write names the fence it found in the
// call (HookCall.Fence).
type HookCallStore interface {
	// HookCalls returns the calls of a run in call order: Sequence, Position.
	HookCalls(ctx context.Context, runID string) ([]HookCall, error)
	// Snapshot returns the context of a background call.
	Snapshot(ctx context.Context, id string) ([]byte, error)
	// StartHookCall marks a queued call running; it is not waited for, and does
	// nothing when the fence is another.
	StartHookCall(ctx context.Context, id string, fence int, at time.Time) error
	// FinishHookCall stores what an attempt came to: call.Status is final, or
	// queued with a raised Attempt and NextAttemptAt for a retry. It wraps
	// ErrStale when the stored fence is another. The snapshot goes with the last
	// call that needs it.
	FinishHookCall(ctx context.Context, fence int, call HookCall) error
	// ClaimHookCall leases one call that is due and held by nobody; false when it is
	// not, or not any more.
	ClaimHookCall(ctx context.Context, lease Lease, now time.Time, id string) (HookCall, bool, error)
	// ReleaseHookCall makes a leased call due now without costing an attempt. It
	// wraps ErrStale when the fence is another, as it is once this is done.
	ReleaseHookCall(ctx context.Context, id string, fence int) error
	// DueHookCalls returns, by plugin, when its next unheld call is due; a
	// plugin without one is not in it.
	DueHookCalls(ctx context.Context) (map[string]time.Time, error)
	// ClaimHookCalls leases up to limit calls of the plugin that are due and held
	// by nobody, the longest due first.
	ClaimHookCalls(ctx context.Context, lease Lease, now time.Time, plugin string, limit int) ([]HookCall, error)
	// FindHookCalls returns the calls the filter chooses, those stored last
	// first: limit of them after the first offset.
	FindHookCalls(ctx context.Context, filter HookCallFilter, offset, limit int) (HookCallPage, error)
	// RetryHookCall revives a dead call. It is CodeConflict when the call is not
	// dead, or its snapshot is gone.
	RetryHookCall(ctx context.Context, id string, now time.Time) (HookCall, error)
	// RetryHookCalls revives up to limit of the dead calls the filter chooses,
	// those stored first first, and returns how many. One whose snapshot is gone
	// is left alone.
	RetryHookCalls(ctx context.Context, filter HookCallFilter, now time.Time, limit int) (int, error)
	// Backlog counts the background work.
	Backlog(ctx context.Context) (Backlog, error)
}

// LeaseStore notices work whose owner died.
type LeaseStore interface {
	// Attend shows other nodes that this one is alive, until ctx ends; it may notice
	// a death sooner than a lease does.
	Attend(ctx context.Context, node string) error
	// RenewLeases extends every lease of the owner. It returns the ids of its runs
	// that somebody asked to cancel.
	RenewLeases(ctx context.Context, lease Lease) (cancelled []string, err error)
	// Sweep takes what dead owners held, in one transaction. An owner is dead
	// when its lease is past; with a store only one process can open, every
	// owner but self is. Foreground runs end in ERROR with host_restarted;
	// background runs and hook calls get their attempt raised and are due now, and
	// the runs have lost a worker; a hook call that has no attempt left is dead.
	Sweep(ctx context.Context, self string, now time.Time) (Swept, error)
}

// Swept counts what a sweep took.
type Swept struct {
	// Runs ended; Requeued are background runs that are due again.
	Runs     int
	Requeued int
	Calls    int
	Dead     int
}

// RetentionStore forgets what is old.
type RetentionStore interface {
	// Expire deletes what ended before the given times, in transactions so small
	// that other writes get between them. What is not final stays, and so does a
	// run with a call that is not.
	Expire(ctx context.Context, before Retention) (Expired, error)
}

// Retention says what is old, by when it ended; a zero time keeps all of it.
type Retention struct {
	// Runs go with the runs inside them, their hook calls and evaluations.
	Runs      time.Time
	HookCalls time.Time
	// Logs are what the guests of hook calls logged.
	Logs time.Time
	// Events are those of runs that ended.
	Events time.Time
}

// Expired counts what was deleted: top-level runs, hook calls without those of runs, and
// calls whose logs went.
type Expired struct {
	Runs      int
	HookCalls int
	Logs      int
}

// PluginStore keeps plugins.
type PluginStore interface {
	// Revision grows with every change of plugins, activations, grants and bindings,
	// by whichever node.
	Revision(ctx context.Context) (int64, error)
	// InstallPlugin stores a version and its module. The same digest again is
	// no error and returns false; another digest under the same name and
	// version is CodeConflict.
	InstallPlugin(ctx context.Context, plugin Plugin, module []byte) (created bool, err error)
	// Plugins returns all versions, by name and then by creation.
	Plugins(ctx context.Context) ([]Plugin, error)
	// PluginModule returns the module of a digest.
	PluginModule(ctx context.Context, digest string) ([]byte, error)
	// ActivatePlugin makes a version the active one of its name and records the
	// grants and the time.
	ActivatePlugin(ctx context.Context, name, version string, grants []pluginapi.Permission, at time.Time) error
	// DeactivatePlugin leaves a name without an active version when this one is
	// it, and keeps the time; a version that is not active is no error.
	DeactivatePlugin(ctx context.Context, name, version string) error
	// DeletePlugin deletes a version and its module, active or not. With the last
	// version go the values the plugin kept. While a hook call of the version is
	// not final it is CodeConflict and nothing is deleted.
	DeletePlugin(ctx context.Context, name, version string) error
}

// BindingStore keeps the bindings made over the API.
type BindingStore interface {
	// Bindings returns the lists of all scopes that have one.
	Bindings(ctx context.Context) (map[BindingScope][]Binding, error)
	// PutBindings replaces the list of one scope.
	PutBindings(ctx context.Context, scope BindingScope, bindings []Binding) error
}
