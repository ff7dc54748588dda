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
// not exist is an *Error with CodeNotFound.
type Store interface {
	RunStore
	SessionStore
	HookCallStore
	LeaseStore
	PluginStore
	BindingStore
	KVStore
	// Close waits for what was written and releases the database.
	Close() error
}

// RunStore keeps runs.
type RunStore interface {
	// CreateRun stores a run without its input. With wait false it is put into
	// the next batch and not waited for: it can be read at once, and is lost
	// when the process dies first. An id that exists is CodeConflict, reported
	// only with wait true.
	CreateRun(ctx context.Context, run Run, lease Lease, wait bool) error
	// StartRun turns a PENDING run into RUNNING; it is not waited for.
	StartRun(ctx context.Context, id string, attempt int) error
	// FinishRun stores the run, its session and its hook calls in one
	// transaction. It wraps ErrStale when the run is final or belongs to another
	// attempt; a run whose CreateRun is still under way is inserted whole.
	FinishRun(ctx context.Context, finish Finish) error
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
}

// SessionStore keeps sessions.
type SessionStore interface {
	Session(ctx context.Context, id string) (Session, error)
	// Turns counts the finished top-level runs of a session.
	Turns(ctx context.Context, sessionID string) (int, error)
	// MergeSessionState lays a patch over a session's state (MergeState), in one
	// transaction. It wraps ErrStale when the attempt of the hook call is over.
	MergeSessionState(ctx context.Context, merge StateMerge) error
}

// StateMerge is a change of a session's state by a background hook.
type StateMerge struct {
	SessionID string
	// HookCallID and Attempt are the fence.
	HookCallID string
	Attempt    int
	// Patch is an object; null removes a member.
	Patch json.RawMessage
}

// HookCallStore keeps hook calls.
type HookCallStore interface {
	// HookCalls returns the calls of a run in call order: Sequence, Position.
	HookCalls(ctx context.Context, runID string) ([]HookCall, error)
	// Snapshot returns the context of a background call.
	Snapshot(ctx context.Context, id string) ([]byte, error)
	// StartHookCall marks a queued call running; it is not waited for, and does
	// nothing when the attempt is over.
	StartHookCall(ctx context.Context, id string, attempt int, at time.Time) error
	// FinishHookCall stores what attempt came to: call.Status is final, or
	// queued with a raised Attempt and NextAttemptAt for a retry. It wraps
	// ErrStale when the stored attempt is not `attempt`. The snapshot goes with
	// its last call.
	FinishHookCall(ctx context.Context, attempt int, call HookCall) error
	// ReleaseHookCall makes a leased call due now without costing an attempt.
	ReleaseHookCall(ctx context.Context, id string, attempt int) error
	// ClaimHookCalls leases up to limit calls that are due and held by nobody,
	// the longest due first.
	ClaimHookCalls(ctx context.Context, lease Lease, now time.Time, limit int) ([]HookCall, error)
	// NextDue returns when the next unheld call is due, or false when none is.
	NextDue(ctx context.Context) (time.Time, bool, error)
}

// LeaseStore notices work whose owner died.
type LeaseStore interface {
	// RenewLeases extends every lease of the owner.
	RenewLeases(ctx context.Context, lease Lease) error
	// Sweep takes what dead owners held, in one transaction. An owner is dead
	// when its lease is past; with a store only one process can open, every
	// owner but self is. Foreground runs end in ERROR with host_restarted;
	// hook calls get their attempt raised and are due now, or dead when they
	// have no attempt left.
	Sweep(ctx context.Context, self string, now time.Time) (Swept, error)
}

// Swept counts what a sweep took.
type Swept struct {
	Runs  int
	Calls int
	Dead  int
}

// PluginStore keeps plugins.
type PluginStore interface {
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
