package job

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

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

// wards watches how the background calls of each plugin end, and holds back
// those of a plugin that keeps failing. It knows nothing of blocking calls: a
// check is never turned off. It is safe for concurrent use.
type wards struct {
	mu       sync.Mutex
	byPlugin map[string]*ward
}

func newWards() *wards { return &wards{byPlugin: map[string]*ward{}} }

// admit reports whether a call may be made now. In a quarantine that is over
// for the moment the first call to ask is its trial.
func (w *wards) admit(plugin, callID string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	if p == nil || p.quarantine == nil || p.trial == callID {
		return true
	}
	if p.trial != "" || now.Before(p.quarantine.Until) {
		return false
	}
	p.trial = callID
	return true
}

// open returns how many of up to n calls of a plugin may be claimed: all, one to
// try, or none, and then how long to wait before asking again; 0 when nobody
// knows, since a trial goes on.
func (w *wards) open(plugin string, n int, now time.Time) (allowed int, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	switch {
	case p == nil || p.quarantine == nil:
		return n, 0
	case p.trial != "":
		return 0, 0
	case now.Before(p.quarantine.Until):
		return 0, p.quarantine.Until.Sub(now)
	}
	return min(n, 1), 0
}

// judge takes note of how an attempt ended; failure is "" for one that did not
// fail. In a quarantine only the trial counts.
func (w *wards) judge(plugin, callID, failure string, now time.Time) change {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	if p == nil {
		p = &ward{}
		w.byPlugin[plugin] = p
	}
	if p.quarantine == nil {
		return p.observe(failure, now)
	}
	if p.trial != callID {
		return unchanged
	}
	p.trial = ""
	if failure == "" {
		delete(w.byPlugin, plugin)
		return ended
	}
	p.quarantine.Failures++
	p.confine(fmt.Sprintf("the trial failed: %s", failure), now)
	return extended
}

// withdraw forgets a trial that was not made to its end, and reports whether the
// call was one.
func (w *wards) withdraw(plugin, callID string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	if p == nil || p.trial != callID {
		return false
	}
	p.trial = ""
	return true
}

// get returns the quarantine of a plugin, or nil.
func (w *wards) get(plugin string) *host.Quarantine {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	if p == nil || p.quarantine == nil {
		return nil
	}
	q := *p.quarantine
	return &q
}

// names returns the plugins in quarantine, sorted.
func (w *wards) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for plugin, p := range w.byPlugin {
		if p.quarantine != nil {
			names = append(names, plugin)
		}
	}
	slices.Sort(names)
	return names
}

// forget lets a plugin begin anew, and reports whether it was in quarantine.
func (w *wards) forget(plugin string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byPlugin[plugin]
	delete(w.byPlugin, plugin)
	return p != nil && p.quarantine != nil
}
