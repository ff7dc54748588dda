package host

import (
	"encoding/json"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// HookCallStatus is the state of a hook call.
type HookCallStatus string

// The states; all but queued and running are final.
const (
	HookCallQueued    HookCallStatus = "queued"
	HookCallRunning   HookCallStatus = "running"
	HookCallCompleted HookCallStatus = "completed"
	HookCallDead      HookCallStatus = "dead"
	HookCallCancelled HookCallStatus = "cancelled"
	HookCallSkipped   HookCallStatus = "skipped"
)

// Final reports whether a call in this state will not run again by itself.
func (s HookCallStatus) Final() bool { return s != HookCallQueued && s != HookCallRunning }

// HookOutcome is what a finished call came to.
type HookOutcome string

// The outcomes. failed_closed: the check failed and counted as a deny;
// failed_open: it failed and the binding let it pass.
const (
	OutcomeAllowed      HookOutcome = "allowed"
	OutcomeDenied       HookOutcome = "denied"
	OutcomeTransformed  HookOutcome = "transformed"
	OutcomeFailedClosed HookOutcome = "failed_closed"
	OutcomeFailedOpen   HookOutcome = "failed_open"
)

// The reasons of a skipped call. worker_lost: the run was given up, and a blocking call
// may have been made, by a worker that was lost with its record.
const (
	SkipRunRefused      = "run_refused"
	SkipEarlierDeny     = "earlier_deny"
	SkipRunNotCompleted = "run_not_completed"
	SkipCancelled       = "cancelled"
	SkipPluginInactive  = "plugin_inactive"
	SkipWorkerLost      = "worker_lost"
)

// HookCall is one call of one hook, as a record. Blocking and skipped calls are
// final when they are stored; background calls are stored queued.
type HookCall struct {
	ID             string              `json:"id"`
	RunID          string              `json:"run_id"`
	SessionID      string              `json:"session_id"`
	Component      Component           `json:"component"`
	Plugin         string              `json:"plugin"`
	Version        string              `json:"version"`
	Digest         string              `json:"digest"`
	Hook           string              `json:"hook"`
	Point          pluginapi.Point     `json:"point"`
	Sequence       int64               `json:"sequence"`
	Mode           pluginapi.Mode      `json:"mode"`
	Guardrail      bool                `json:"guardrail"`
	Status         HookCallStatus      `json:"status"`
	Outcome        HookOutcome         `json:"outcome,omitempty"`
	Decision       pluginapi.Decision  `json:"decision,omitempty"`
	Reason         string              `json:"reason,omitempty"`
	Message        string              `json:"message,omitempty"`
	Warnings       []pluginapi.Warning `json:"warnings"`
	Attempt        int                 `json:"attempt"`
	MaxAttempts    int                 `json:"max_attempts"`
	NextAttemptAt  time.Time           `json:"next_attempt_at,omitzero"`
	IdempotencyKey string              `json:"idempotency_key,omitempty"`
	DurationMS     float64             `json:"duration_ms"`
	Logs           []LogLine           `json:"logs"`
	Error          *HookError          `json:"error,omitempty"`
	CreatedAt      time.Time           `json:"created_at"`
	StartedAt      time.Time           `json:"started_at,omitzero"`
	FinishedAt     time.Time           `json:"finished_at,omitzero"`

	// Position orders the calls of one emission.
	Position int `json:"-"`
	// The fields below are set for background calls only.

	// Owner is the node that holds the call until LeaseUntil; empty when free.
	Owner      string    `json:"-"`
	LeaseUntil time.Time `json:"-"`
	// Releases is how often a node gave the call back; that costs no attempt.
	Releases int `json:"-"`
	// SnapshotID names the context shared by the emission's calls.
	SnapshotID string `json:"-"`
	// Snapshot is the context itself where a store reads it together with a claim,
	// else nil.
	Snapshot json.RawMessage `json:"-"`
	// Spec is what the call needs beside the snapshot.
	Spec *HookCallSpec `json:"-"`
	// Evaluations are what the call found; they are stored when it is.
	Evaluations []Evaluation `json:"-"`
}

// Fence tells the worker that has the call from every other: what ends a worker's
// hold raises it.
func (c *HookCall) Fence() int { return c.Attempt + c.Releases }

// Revive makes a dead call due at a time, with its full number of attempts once
// more. Attempt goes on counting, and MaxAttempts with it: a worker of an earlier
// attempt that still lives must not be taken for one of these.
func (c *HookCall) Revive(at time.Time) {
	again := c.MaxAttempts
	if c.Spec != nil && c.Spec.Retry.MaxAttempts > 0 {
		again = c.Spec.Retry.MaxAttempts
	}
	c.MaxAttempts = c.Attempt + again
	c.Attempt++
	c.Status, c.NextAttemptAt = HookCallQueued, at
	c.StartedAt, c.FinishedAt = time.Time{}, time.Time{}
}

// Retries is how many attempts failed since the call was stored, or revived.
func (c *HookCall) Retries() int {
	revived := 0
	if c.Spec != nil && c.Spec.Retry.MaxAttempts > 0 {
		revived = max(0, c.MaxAttempts-c.Spec.Retry.MaxAttempts)
	}
	return c.Attempt - 1 - revived
}

// HookCallSpec is how a background call is made, fixed when it is enqueued.
type HookCallSpec struct {
	Export  string             `json:"export"`
	Config  json.RawMessage    `json:"config,omitempty"`
	Timeout pluginapi.Duration `json:"timeout,omitzero"`
	Retry   pluginapi.Retry    `json:"retry"`
	// SessionState is true when the hook may see the snapshot's session state.
	SessionState bool `json:"session_state,omitempty"`
}

// HookErrorWorkerLost is the code of a call whose host died with its last
// attempt.
const HookErrorWorkerLost = "worker_lost"

// HookError says why a hook call failed.
type HookError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// LogLine is one line a guest logged.
type LogLine struct {
	At      time.Time `json:"at"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
}

// Snapshot is the immutable context that the background calls of one emission
// share. It stays while one of them is not final, or dead and so may be revived.
type Snapshot struct {
	ID    string
	RunID string
	// Context is a pluginapi.Context without config, mode and delivery, to be kept
	// byte for byte.
	Context []byte
}

// HookCallFilter chooses hook calls; a zero field chooses all.
type HookCallFilter struct {
	Status    HookCallStatus
	Plugin    string
	Hook      string
	RunID     string
	SessionID string
	Mode      pluginapi.Mode
}

// MaxCounted bounds how many rows are counted, and paged through, for one list.
const MaxCounted = 10_000

// HookCallPage is one page of the calls a filter chose.
type HookCallPage struct {
	Calls []HookCall
	// Total is how many were chosen, at most MaxCounted.
	Total int
}

// Backlog is the background work that lies in the store.
type Backlog struct {
	Queued  int
	Running int
	Dead    int
	// Due is when the unheld call that waits longest was due; zero for none.
	Due time.Time
	// RunsPending and RunsRunning count the background runs.
	RunsPending int
	RunsRunning int
}
