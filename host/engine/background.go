package engine

import (
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// queued is a background call among the calls of a finish, with its context.
type queued struct {
	call     int
	snapshot []byte
}

// collect gathers the records of every hook of the plan: what was called, what
// is to be called later, what did not run and why.
func (x *execution) collect() (host.Finish, []queued, error) {
	end := host.Finish{Run: x.run, Session: x.endSession(), StateBefore: x.session.State, Events: x.lastEvents()}
	var jobs []queued
	for i := range x.emitted {
		e := &x.emitted[i]
		end.Calls = append(end.Calls, e.calls...)
		more, err := x.enqueue(&end, e)
		if err != nil {
			return end, nil, err
		}
		jobs = append(jobs, more...)
	}
	end.Calls = append(end.Calls, x.skipped...)
	return end, jobs, nil
}

// lastEvents are what is stored of a background run's stream together with its
// end: what the journal could not store yet, and the last ones.
func (x *execution) lastEvents() []host.RunEvent {
	if x.inside() || x.tree.journal == nil {
		return nil
	}
	rest, next := x.tree.journal.close()
	events := slices.Clone(rest)
	if x.run.Status == host.RunCancelled {
		events = append(events, host.RunEvent{Index: next, Kind: host.EventRunCancelled, At: x.run.FinishedAt})
		next++
	}
	return append(events, host.RunEvent{Index: next, Kind: lastEvent(x.run.Status), At: x.run.FinishedAt})
}

// enqueue adds the background calls of one emission to the end: queued, under
// one snapshot, or skipped.
func (x *execution) enqueue(end *host.Finish, e *emitted) ([]queued, error) {
	if len(e.background) == 0 {
		return nil, nil
	}
	var jobs []queued
	snapshotID := host.NewID()
	for _, h := range e.background {
		if reason := x.skipReason(e, h); reason != "" {
			end.Calls = append(end.Calls, x.hooks.Skipped(h, e.occasion, reason))
			continue
		}
		jobs = append(jobs, queued{call: len(end.Calls)})
		end.Calls = append(end.Calls, x.hooks.Queued(h, e.occasion, snapshotID, host.Lease{}))
	}
	if len(jobs) == 0 {
		return nil, nil
	}
	data, err := x.snapshot(e)
	if err != nil {
		return nil, err
	}
	end.Snapshots = append(end.Snapshots, host.Snapshot{ID: snapshotID, RunID: x.run.ID, Context: data})
	for i := range jobs {
		jobs[i].snapshot = data
	}
	return jobs, nil
}

// withState is the context of an emission with the session's state, if one of
// its background hooks may see it.
func (x *execution) withState(result hook.Result) pluginapi.Context {
	c := result.Context
	if !slices.ContainsFunc(result.Background, func(h *hook.Hook) bool { return h.SessionState }) {
		return c
	}
	ext := *c.Extensions.Snaphook
	ext.SessionState = object(x.tree.state.value())
	c.Extensions.Snaphook = &ext
	return c
}

// snapshot is the context as the blocking hooks left it; where the run is at its
// end, with final status, metrics and state.
func (x *execution) snapshot(e *emitted) ([]byte, error) {
	c, ext := e.context, *e.context.Extensions.Snaphook
	if c.Point == pluginapi.PointOutput || c.Point == pluginapi.PointAgentShutdown {
		ext.Run = x.runInfo()
		if ext.SessionState != nil {
			ext.SessionState = object(x.tree.state.value())
		}
	}
	if c.Summary != nil { // a cancel may have come after the hooks
		c.Summary = &pluginapi.Summary{Reason: summaryReason(x.run.Status)}
	}
	if !x.inputPermitted { // nothing of the request may be kept
		ext.Metadata, ext.Dependencies, ext.Arguments = nil, nil, nil
	}
	c.Extensions.Snaphook = &ext
	return hook.Snapshot(&c)
}

// skipReason says why a background hook is not called, or nothing when it is.
// A deny at agent_shutdown has no effect, so it keeps nobody from being called.
func (x *execution) skipReason(e *emitted, h *hook.Hook) string {
	at := e.occasion.Point
	switch {
	case x.refused != nil:
		return host.SkipRunRefused
	case !e.permitted && at != pluginapi.PointAgentShutdown,
		at == pluginapi.PointOutput && x.run.Status != host.RunCompleted:
		return x.endReason()
	case h.Missing:
		return host.SkipPluginInactive
	}
	return ""
}

// notReached records the hooks of the points the run did not come to. A run that
// completed came to all but the points of tools it did not call.
func (x *execution) notReached() []host.HookCall {
	if x.run.Status == host.RunCompleted || x.plan.Empty() {
		return nil
	}
	var calls []host.HookCall
	for _, p := range pluginapi.Points() {
		hooks := x.plan.At(p)
		if len(hooks) == 0 || x.reached(p) || p == pluginapi.PointAgentShutdown && x.opened || x.inside() && onceInTree(p) {
			continue
		}
		at := x.occasion(p, x.tree.next())
		for i := range hooks {
			calls = append(calls, x.hooks.Skipped(&hooks[i], at, x.endReason()))
		}
	}
	return calls
}

// onceInTree reports whether only a top-level run passes the point.
func onceInTree(p pluginapi.Point) bool {
	return p == pluginapi.PointAgentStartup || p == pluginapi.PointAgentShutdown
}

func (x *execution) reached(p pluginapi.Point) bool {
	for i := range x.emitted {
		if x.emitted[i].occasion.Point == p {
			return true
		}
	}
	return false
}

// endReason is why hooks of a later point did not run.
func (x *execution) endReason() string {
	switch {
	case x.refused != nil:
		return host.SkipRunRefused
	case x.run.Status == host.RunCancelled:
		return host.SkipCancelled
	case x.run.Failure != nil && x.run.Failure.Type == host.FailureWorkerLost:
		return host.SkipWorkerLost
	}
	return host.SkipRunNotCompleted
}
