package hook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Queued is the record of a background hook that is to be called. snapshotID
// names the context it shares with the others of its emission.
func (d *Dispatcher) Queued(h *Hook, at Occasion, snapshotID string, lease host.Lease) host.HookCall {
	record := d.record(h, at)
	record.Status = host.HookCallQueued
	record.MaxAttempts = h.Retry.MaxAttempts
	record.NextAttemptAt = record.CreatedAt
	record.IdempotencyKey = idempotencyKey(h, at)
	record.SnapshotID = snapshotID
	record.Owner, record.LeaseUntil = lease.Owner, lease.Until
	record.Spec = &host.HookCallSpec{
		Export: h.Export, Config: h.Config,
		Timeout: pluginapi.Duration(h.Timeout), Retry: h.Retry, SessionState: h.SessionState,
	}
	return record
}

// idempotencyKey is the same for all attempts of a call and differs between
// calls: a hook bound twice has two positions.
func idempotencyKey(h *Hook, at Occasion) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%d", at.Run.ID, h.FullName(), at.Sequence, h.Position))
	return hex.EncodeToString(sum[:16])
}

// Snapshot serialises the context that the background calls of one emission
// share, without config, mode and delivery. Deliver takes it byte for byte.
func Snapshot(c *pluginapi.Context) ([]byte, error) {
	if err := prepare(c); err != nil {
		return nil, fmt.Errorf("snapshot context: %w", err)
	}
	s, err := share(c)
	if err != nil {
		return nil, fmt.Errorf("snapshot context: %w", err)
	}
	data, err := s.snapshot()
	if err != nil {
		return nil, fmt.Errorf("snapshot context: %w", err)
	}
	return data, nil
}

// Deliver makes one attempt of a background call. Services are what it may
// reach, if it was granted it; Evaluations is its own. The returned record holds
// the verdict and what the hook found, or Error when it failed, and nothing of
// earlier attempts; its Status is left to the caller. A deny or a transform changes
// nothing and leaves a warning.
func (d *Dispatcher) Deliver(
	ctx context.Context, call host.HookCall, snapshot []byte, services host.Services,
) host.HookCall {
	call, _ = d.attempt(ctx, call, snapshot, services)
	return call
}

// attempt is Deliver that also returns the verdict.
func (d *Dispatcher) attempt(
	ctx context.Context, call host.HookCall, snapshot []byte, services host.Services,
) (host.HookCall, pluginapi.Verdict) {
	reset(&call)
	call.StartedAt = d.now()
	d.observer.HookStarted(&call)
	defer func() { d.observer.HookEnded(&call) }()
	verdict, failed := d.deliver(ctx, &call, snapshot, services)
	call.FinishedAt = d.now()
	if failed != nil {
		call.Error = failed.hookError()
		return call, pluginapi.Verdict{}
	}
	if verdict.Decision != pluginapi.Allow {
		verdict.Warnings = append(verdict.Warnings, pluginapi.Warning{
			Reason:  "verdict_not_enforced",
			Message: fmt.Sprintf("The hook ran in the background; its %s changed nothing.", verdict.Decision),
		})
	}
	settle(&call, verdict)
	return call, verdict
}

// reset forgets what an earlier attempt came to.
func reset(call *host.HookCall) {
	call.Outcome, call.Decision, call.Reason, call.Message = "", "", "", ""
	call.Warnings, call.Logs = []pluginapi.Warning{}, []host.LogLine{}
	call.Error, call.DurationMS, call.Evaluations = nil, 0, nil
}

// deliver asks the hook as it was bound when the call was enqueued.
func (d *Dispatcher) deliver(
	ctx context.Context, call *host.HookCall, snapshot []byte, services host.Services,
) (pluginapi.Verdict, *failure) {
	stored, ok := readSnapshot(snapshot)
	if !ok || call.Spec == nil {
		return pluginapi.Verdict{}, contextFailure("the stored context cannot be read")
	}
	h := &Hook{
		Plugin: call.Plugin, Version: call.Version, Digest: call.Digest, Name: call.Hook,
		Export: call.Spec.Export, Point: call.Point, Mode: pluginapi.ModeBackground,
		Timeout: time.Duration(call.Spec.Timeout), Config: call.Spec.Config,
		SessionState: call.Spec.SessionState,
	}
	delivery := &pluginapi.Delivery{
		HookCallID: call.ID, IdempotencyKey: call.IdempotencyKey,
		Attempt: call.Attempt, MaxAttempts: call.MaxAttempts,
	}
	verdict, failed := d.ask(ctx, question{
		hook: h, shared: func() (shared, error) { return stored, nil }, delivery: delivery, services: services,
	}, call)
	d.warn(ctx, h, call, verdict.Warnings)
	return verdict, failed
}
