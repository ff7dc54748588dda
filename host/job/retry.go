package job

import (
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// growth is how much longer each wait is than the one before.
const growth = 5

// decide turns what an attempt came to into the call's next state: completed,
// queued for another attempt, or dead.
func decide(call *host.HookCall, now time.Time, jitter float64) {
	call.Owner, call.LeaseUntil, call.NextAttemptAt = "", time.Time{}, time.Time{}
	switch {
	case call.Error == nil:
		call.Status, call.FinishedAt = host.HookCallCompleted, now
	case call.Attempt >= call.MaxAttempts:
		call.Status, call.FinishedAt = host.HookCallDead, now
	default:
		wait := time.Duration(float64(backoff(call)) * jitter)
		call.Status, call.FinishedAt = host.HookCallQueued, time.Time{}
		call.NextAttemptAt = now.Add(wait)
		call.Attempt++
	}
}

// backoff is the wait after the call's current attempt, the nth since it was
// stored or revived: initial × 5^(n−1), at most max.
func backoff(call *host.HookCall) time.Duration {
	if call.Spec == nil {
		return 0
	}
	wait, most := time.Duration(call.Spec.Retry.Initial), time.Duration(call.Spec.Retry.Max)
	for range call.Retries() {
		if wait >= most/growth {
			return most
		}
		wait *= growth
	}
	return min(wait, most)
}
