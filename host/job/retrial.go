package job

import (
	"context"

	"github.com/snaphook-dev/snaphook/host"
)

// Retry makes a dead call due now, with its full number of attempts. It is
// CodeConflict when the call is not dead, or its context is gone.
func (s *Supervisor) Retry(ctx context.Context, id string) (host.HookCall, error) {
	call, err := s.cfg.Store.RetryHookCall(ctx, id, s.cfg.Now())
	if err != nil {
		return host.HookCall{}, err
	}
	s.cfg.Pool.Nudge()
	return call, nil
}

// RetryAll makes up to limit of the dead calls that the filter chooses due now
// and returns how many, also with an error.
func (s *Supervisor) RetryAll(ctx context.Context, filter host.HookCallFilter, limit int) (int, error) {
	n, err := s.cfg.Store.RetryHookCalls(ctx, filter, s.cfg.Now(), limit)
	if n > 0 {
		s.cfg.Pool.Nudge()
	}
	return n, err
}

// Quarantine returns the quarantine of a plugin, or nil.
func (s *Supervisor) Quarantine(plugin string) *host.Quarantine { return s.wards.get(plugin) }

// Quarantined names the plugins in quarantine, sorted.
func (s *Supervisor) Quarantined() []string { return s.wards.names() }

// EndQuarantine lets the background calls of a plugin be made again as they
// come. A plugin that is not in quarantine is no error.
func (s *Supervisor) EndQuarantine(plugin string) {
	if s.wards.forget(plugin) {
		s.cfg.Log.Info("a plugin's quarantine was ended", "plugin", plugin)
		s.cfg.Pool.Nudge()
	}
}

// judge tells the wards of an attempt, and everybody else of what that changes.
func (s *Supervisor) judge(done *host.HookCall) {
	failure := ""
	if e := done.Error; e != nil {
		if e.Code == codeInternal || e.Code == codeSnapshot {
			s.wards.withdraw(done.Plugin, done.ID)
			s.cfg.Pool.Nudge()
			return // the host's fault, not the plugin's
		}
		failure = e.Code + ": " + e.Message
	}
	switch s.wards.judge(done.Plugin, done.ID, failure, s.cfg.Now()) {
	case unchanged:
		return
	case begun:
		s.cfg.Log.Warn("plugin in quarantine", "plugin", done.Plugin, "error", failure)
	case ended:
		s.cfg.Log.Info("plugin out of quarantine", "plugin", done.Plugin)
	case extended: // its call has been logged
	}
	s.cfg.Pool.Nudge()
}
