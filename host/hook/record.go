package hook

import (
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// maxRecordedMessage bounds a message in a record, in bytes (agent-hooks/0.1
// §10.3).
const maxRecordedMessage = 256

// RunRef names the run in the records of its hook calls.
type RunRef struct {
	ID        string
	SessionID string
	Component host.Component
}

// Occasion is where and when a hook is called.
type Occasion struct {
	Run      RunRef
	Point    pluginapi.Point
	Sequence int64
}

// record starts the record of a call.
func (d *Dispatcher) record(h *Hook, at Occasion) host.HookCall {
	return host.HookCall{
		ID: host.NewID(), RunID: at.Run.ID, SessionID: at.Run.SessionID, Component: at.Run.Component,
		Plugin: h.Plugin, Version: h.Version, Digest: h.Digest, Hook: h.Name,
		Point: at.Point, Sequence: at.Sequence, Position: h.Position, Mode: h.Mode, Guardrail: h.Guardrail,
		Warnings: []pluginapi.Warning{}, Logs: []host.LogLine{},
		Attempt: 1, MaxAttempts: 1, CreatedAt: d.now(),
	}
}

// Skipped is the record of a hook that was not called.
func (d *Dispatcher) Skipped(h *Hook, at Occasion, reason string) host.HookCall {
	record := d.record(h, at)
	record.Status, record.Reason = host.HookCallSkipped, reason
	record.Attempt, record.MaxAttempts = 0, 0
	record.FinishedAt = record.CreatedAt
	d.observer.HookSkipped(&record)
	return record
}

// settle writes a verdict into the record, without what a transform rewrites
// and with messages cut.
func settle(record *host.HookCall, v pluginapi.Verdict) {
	record.Decision, record.Reason, record.Message = v.Decision, v.Reason, cut(v.Message)
	for _, w := range v.Warnings {
		record.Warnings = append(record.Warnings, pluginapi.Warning{Reason: w.Reason, Message: cut(w.Message)})
	}
	switch v.Decision {
	case pluginapi.Allow:
		record.Outcome = host.OutcomeAllowed
	case pluginapi.Deny:
		record.Outcome = host.OutcomeDenied
	case pluginapi.TransformTo:
		record.Outcome = host.OutcomeTransformed
	}
}

// cut shortens s to maxRecordedMessage bytes, an ellipsis included, between two
// characters.
func cut(s string) string {
	const ellipsis = "…"
	if len(s) <= maxRecordedMessage {
		return s
	}
	end := maxRecordedMessage - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
