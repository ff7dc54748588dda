package job

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

// A result that the store does not take is offered again after firstPause, then
// after twice as long each time, up to lastPause.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Work makes one attempt of a call; what it came to is stored by settle. A call of
// a plugin in quarantine, and one that a stopping node interrupted, is given back
// instead.
func (s *Supervisor) Work(ctx context.Context, job pool.Job) (settle func()) {
	call := job.Call
	if !s.wards.admit(call.Plugin, call.ID, s.cfg.Now()) {
		s.Abandon(ctx, job)
		return nil
	}
	log := s.cfg.Log.With("hook", call.Plugin+"."+call.Hook,
		"run_id", call.RunID, "session_id", call.SessionID, "hook_call_id", call.ID)
	if err := s.cfg.Store.StartHookCall(ctx, call.ID, call.Fence(), s.cfg.Now()); err != nil {
		log.Error("start hook call", "error", err)
	}
	done := s.attempt(ctx, log, job)
	if ctx.Err() != nil && done.Error != nil {
		s.Abandon(ctx, job)
		return nil
	}
	decide(&done, s.cfg.Now(), s.cfg.Jitter())
	if done.Status != host.HookCallCompleted {
		log.Warn("hook call failed", "attempt", call.Attempt, "status", done.Status,
			"code", done.Error.Code, "error", done.Error.Message)
	}
	s.judge(&done)
	return func() { s.conclude(ctx, log, call.Fence(), done) }
}

// conclude stores what an attempt came to.
func (s *Supervisor) conclude(ctx context.Context, log *slog.Logger, fence int, done host.HookCall) {
	s.store(ctx, log, fence, done)
	if done.Status.Final() {
		s.cfg.Observer.HookSettled(&done)
	} else {
		s.cfg.Pool.Nudge() // its time has to be waited for
	}
}

// attempt calls the handler; a panic is a failed attempt.
func (s *Supervisor) attempt(ctx context.Context, log *slog.Logger, job pool.Job) (done host.HookCall) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("hook call panicked", "panic", v, "stack", string(debug.Stack()))
			done = failed(job.Call, codeInternal, "the host failed while it made the call")
		}
	}()
	snapshot := job.Snapshot
	if snapshot == nil {
		var err error
		if snapshot, err = s.cfg.Store.Snapshot(ctx, job.Call.SnapshotID); err != nil {
			log.Error("read snapshot", "error", err)
			return failed(job.Call, codeSnapshot, "the stored context could not be read")
		}
	}
	return s.cfg.Handlers.HookCall(ctx, job.Call, snapshot)
}

// The codes of attempts that failed without the plugin's doing.
const (
	codeInternal = "internal"
	codeSnapshot = "snapshot"
)

func failed(call host.HookCall, code, message string) host.HookCall {
	call.Error = &host.HookError{Code: code, Message: message}
	return call
}

// store writes the end of an attempt, and keeps trying while the store fails: a
// result that is not written would be worked for again.
func (s *Supervisor) store(ctx context.Context, log *slog.Logger, fence int, call host.HookCall) {
	write := context.WithoutCancel(ctx)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := s.cfg.Store.FinishHookCall(write, fence, call)
		switch {
		case err == nil:
			return
		case errors.Is(err, host.ErrStale), host.CodeOf(err) == host.CodeNotFound:
			log.Info("the hook call is another worker's, or gone", "fence", fence, "error", err)
			return
		}
		log.Error("finish hook call", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// Abandon makes a call due again that this node will not finish.
func (s *Supervisor) Abandon(ctx context.Context, job pool.Job) {
	s.wards.withdraw(job.Call.Plugin, job.Call.ID)
	ctx, cancel := settle(ctx)
	defer cancel()
	if err := s.cfg.Store.ReleaseHookCall(ctx, job.Call.ID, job.Call.Fence()); err != nil && !errors.Is(err, host.ErrStale) {
		s.cfg.Log.Error("release hook call", "hook_call_id", job.Call.ID, "error", err)
	}
	s.cfg.Pool.Nudge() // when it can be made is for the claims to find out
}
