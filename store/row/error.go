package row

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// What a store says when it takes nothing.
var (
	// ErrNotNow may pass. NotNow and NoSpace say why.
	ErrNotNow = host.Errorf(host.CodeUnavailable, "The store cannot write at the moment")
	ErrClosed = host.Errorf(host.CodeUnavailable, "the store is closed")
	// ErrQueueFull refuses a background run for which there is no room.
	ErrQueueFull = host.Errorf(host.CodeBusy, "the queue of background runs is full")
	// ErrContextGone refuses to revive a call whose snapshot is gone.
	ErrContextGone = host.Errorf(host.CodeConflict, "the context of the hook call is gone; it cannot be retried")
)

// NotNow is ErrNotNow for a fault that says nothing of the request.
func NotNow(fault error) error {
	return &host.Error{Code: ErrNotNow.Code, Message: ErrNotNow.Message, Err: fault}
}

// NoSpace is NotNow for a full disk.
func NoSpace(fault error) error {
	return &host.Error{Code: host.CodeUnavailable, Message: "The store has no space left", Err: fault}
}

// RunNotFound says that there is no such run.
func RunNotFound(id string) error { return host.Errorf(host.CodeNotFound, "run %q not found", id) }

// RunExists refuses a second run of an id.
func RunExists(id string) error { return host.Errorf(host.CodeConflict, "run %q exists already", id) }

// RunNotEnded refuses to delete a session that a run is still in.
func RunNotEnded(id, session string) error {
	return host.Errorf(host.CodeConflict, "run %q of session %q has not ended", id, session)
}

// SessionNotFound says that there is no such session.
func SessionNotFound(id string) error {
	return host.Errorf(host.CodeNotFound, "session %q not found", id)
}

// SessionExists refuses a second session of an id.
func SessionExists(id string) error {
	return host.Errorf(host.CodeConflict, "session %q exists already", id)
}

// HookCallNotFound says that there is no such call.
func HookCallNotFound(id string) error {
	return host.Errorf(host.CodeNotFound, "hook call %q not found", id)
}

// HookCallNotDead refuses to revive a call of another status.
func HookCallNotDead(status host.HookCallStatus) error {
	return host.Errorf(host.CodeConflict, "the hook call is %s; only a dead one can be retried", status)
}

// HookCallOpen refuses to delete a session that a call is not done with; it wraps
// host.ErrCallsOpen.
func HookCallOpen(id, session string) error {
	return &host.Error{
		Code: host.CodeConflict, Message: fmt.Sprintf("background hook call %q of session %q is not done", id, session),
		Err: host.ErrCallsOpen,
	}
}

// SnapshotNotFound says that there is no such snapshot.
func SnapshotNotFound(id string) error {
	return host.Errorf(host.CodeNotFound, "snapshot %q not found", id)
}

// EvaluationNotFound says that there is no such evaluation.
func EvaluationNotFound(id string) error {
	return host.Errorf(host.CodeNotFound, "Eval run with id '%s' not found", id)
}

// PluginNotFound says that there is no such version of a plugin.
func PluginNotFound(name, version string) error {
	return host.Errorf(host.CodeNotFound, "plugin %s %s not found", name, version)
}

// PluginExists refuses other bytes for a version.
func PluginExists(name, version string) error {
	return host.Errorf(host.CodeConflict, "plugin %s %s exists already with other bytes; raise its version", name, version)
}

// PluginNeeded refuses to delete a version that so many hook calls still need.
func PluginNeeded(calls int) error {
	return host.Errorf(host.CodeConflict, "hook calls of the plugin are not final yet: %d", calls)
}

// ModuleNotFound says that there is no module of such a digest.
func ModuleNotFound(digest string) error {
	return host.Errorf(host.CodeNotFound, "module %q not found", digest)
}
