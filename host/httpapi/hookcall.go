package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Jobs looks after background calls and the plugins they are of.
type Jobs interface {
	// Retry makes a dead call due now; CodeConflict when it is not dead.
	Retry(ctx context.Context, id string) (host.HookCall, error)
	// RetryAll makes up to limit of the dead calls the filter chooses due now, and
	// returns how many.
	RetryAll(ctx context.Context, filter host.HookCallFilter, limit int) (int, error)
	// Quarantine returns the quarantine of a plugin, or nil.
	Quarantine(plugin string) *host.Quarantine
	// EndQuarantine lets the background calls of a plugin be made again.
	EndQuarantine(plugin string)
}

const (
	// maxListed bounds one page of hook calls, which hold logs. Pages behind
	// host.MaxCounted calls are refused: a filter finds more than turning pages.
	maxListed = 100
	// defaultRetried and maxRetried bound how many calls one request revives.
	defaultRetried = 100
	maxRetried     = 1000
)

// findHookCalls lists the hook calls that the query chooses, the newest first.
func (a *api) findHookCalls(w http.ResponseWriter, r *http.Request) error {
	d := newQueryDecoder(r)
	filter := host.HookCallFilter{
		Status: oneOf(d, "status", "", statuses...), Mode: oneOf(d, "mode", "", modes...),
		Plugin: d.text("plugin"), Hook: d.text("hook"),
		RunID: d.text("run_id"), SessionID: d.text("session_id"),
	}
	limit := d.integer("limit", defaultLimit, 1, maxListed)
	at := page{limit: int(limit)}
	if d.wrong == nil {
		at.number = int(d.integer("page", 1, 1, host.MaxCounted/limit))
	}
	if err := d.err(); err != nil {
		return err
	}
	found, err := a.runs.FindHookCalls(r.Context(), filter, at.offset(), at.limit)
	if err != nil {
		return err
	}
	body := list[host.HookCall]{Data: []host.HookCall{}, Meta: newMeta(at, found.Total)}
	for _, call := range found.Calls {
		body.Data = append(body.Data, withoutNulls(call))
	}
	a.writeJSON(w, r, http.StatusOK, body)
	return nil
}

var (
	statuses = []host.HookCallStatus{
		host.HookCallQueued, host.HookCallRunning, host.HookCallCompleted,
		host.HookCallDead, host.HookCallCancelled, host.HookCallSkipped,
	}
	modes = []pluginapi.Mode{pluginapi.ModeBlocking, pluginapi.ModeBackground}
)

// retryHookCall makes a dead call due now, with its full number of attempts.
func (a *api) retryHookCall(w http.ResponseWriter, r *http.Request) error {
	call, err := a.jobs.Retry(r.Context(), pathVar(r, "id"))
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, withoutNulls(call))
	return nil
}

// retryHookCalls does so for the dead calls that the body chooses, those that
// have been dead longest first.
func (a *api) retryHookCalls(w http.ResponseWriter, r *http.Request) error {
	body := struct {
		Plugin    string         `json:"plugin"`
		Hook      string         `json:"hook"`
		RunID     string         `json:"run_id"`
		SessionID string         `json:"session_id"`
		Mode      pluginapi.Mode `json:"mode"`
		Limit     int            `json:"limit"`
	}{Limit: defaultRetried}
	if err := readDocument(w, r, &body, []string{"plugin", "hook", "run_id", "session_id", "mode", "limit"}); err != nil {
		return err
	}
	if body.Limit < 1 || body.Limit > maxRetried {
		return host.Invalid("limit", "must be from 1 to %d", maxRetried)
	}
	if body.Mode != "" && !slices.Contains(modes, body.Mode) {
		return host.Invalid("mode", "must be %s", quotedList(modes))
	}
	n, err := a.jobs.RetryAll(r.Context(), host.HookCallFilter{
		Plugin: body.Plugin, Hook: body.Hook, RunID: body.RunID, SessionID: body.SessionID, Mode: body.Mode,
	}, body.Limit)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, struct {
		Retried int `json:"retried"`
	}{n})
	return nil
}
