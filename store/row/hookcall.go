package row

import (
	"cmp"
	"slices"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Logged reports whether a call's row holds logs that grow old.
func Logged(call *host.HookCall) bool { return call.Status.Final() && len(call.Logs) > 0 }

// SortDue brings calls into the order in which they are due.
func SortDue(calls []host.HookCall) {
	slices.SortFunc(calls, func(a, b host.HookCall) int {
		return cmp.Or(a.NextAttemptAt.Compare(b.NextAttemptAt), cmp.Compare(a.ID, b.ID))
	})
}

// Bury ends a call that has no attempt left and whose owner is no more.
func Bury(call *host.HookCall, now time.Time) {
	call.Status = host.HookCallDead
	call.Error = &host.HookError{Code: host.HookErrorWorkerLost, Message: "the host stopped during the last attempt"}
	call.Owner, call.LeaseUntil, call.NextAttemptAt = "", time.Time{}, time.Time{}
	call.FinishedAt = now
}

// BacklogScan returns what reads a status and how many have it into b. What is not
// counted is passed over.
func BacklogScan(b *host.Backlog) func(Scanner) (struct{}, error) {
	count := map[string]*int{
		string(host.HookCallQueued): &b.Queued, string(host.HookCallRunning): &b.Running, string(host.HookCallDead): &b.Dead,
		string(host.RunPending): &b.RunsPending, string(host.RunRunning): &b.RunsRunning,
	}
	return func(r Scanner) (struct{}, error) {
		var status string
		var n int
		err := r.Scan(&status, &n)
		if into := count[status]; into != nil {
			*into = n
		}
		return struct{}{}, err
	}
}

// Earliest returns the first of the times at which calls of plugins are due, or the
// zero time.
func Earliest(due map[string]time.Time) time.Time {
	var first time.Time
	for _, at := range due {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
